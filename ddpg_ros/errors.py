"""One root exception, and a subclass for each kind of problem that a user can fix.

Every message states what came, what was expected and how to fix it. The command line and the
nodes print the message alone and exit with `EXIT_CODE`; a traceback means a bug in this package.
"""

import difflib
from collections.abc import Iterable, Sequence

EXIT_CODE = 2

_FEW, _LONGEST = 12, 40  # names in a sentence, and characters of each


class DdpgRosError(Exception):
    """Root of every problem that a user can fix."""


class ConfigError(DdpgRosError):
    """A setting or a configuration file that cannot be used."""


class RobotError(DdpgRosError):
    """A robot description that cannot be used."""


class JointStateError(DdpgRosError):
    """A joint state that does not fit the robot; the node rejects and counts it."""


class JointNamesError(JointStateError):
    """A joint state that lacks one of the robot's joints."""


class ForeignJointsError(JointNamesError):
    """A message of another device on the same topic: it names none of the robot's joints."""


class DisplacedError(JointStateError):
    """States after a change of clock that put the arm where it cannot be; the first is a fault."""


class PolicyFileError(DdpgRosError):
    """A policy file that cannot be used."""


class CheckpointError(DdpgRosError):
    """A checkpoint that cannot be used."""


class RecordingError(DdpgRosError):
    """A recording that cannot be used."""


class RunDirectoryError(DdpgRosError):
    """A run directory that cannot be written."""


class LearnerDiedError(DdpgRosError):
    """The learner process ended unasked."""


class LearnerDivergedError(DdpgRosError):
    """Too many updates in a row diverged and were skipped."""


class EnvironmentFailedError(DdpgRosError):
    """A Gymnasium environment that raises, or whose spaces or values cannot be learnt from."""


class TaskFailedError(DdpgRosError):
    """A task that gives, in a step, something else than it states."""


class RunFailedError(DdpgRosError):
    """A training that ended early with an error; what it had learnt is saved."""


class RefusedError(DdpgRosError):
    """An operator's command that the present state does not allow."""


class MachineError(DdpgRosError):
    """Something that the settings need is missing on this machine, or already in use."""


def few_of(names: Sequence[str], longest: int = _LONGEST) -> str:
    """Return the first few names for a sentence, each shortened, and how many more there are."""
    few = [shortened(name, longest) for name in names[:_FEW]]
    rest = len(names) - len(few)
    return ", ".join(few) + (f" and {rest} more" if rest else "")


def nearest(word: str, known: Iterable[str], likeness: float = 0.5) -> str:
    """Return the end of a sentence that suggests the known word closest to `word`.

    The last part of a dotted name matches first: `n_step` suggests `learner.n_step`.

    Returns:
        `; did you mean 'x'?`, or `.` if no known word is close.
    """
    words = list(known)
    matches = [name for name in words if name.rpartition(".")[2] == word]
    matches = matches or difflib.get_close_matches(word, words, n=1, cutoff=likeness)
    return f"; did you mean {' or '.join(map(repr, matches))}?" if matches else "."


def shortened(text: str, length: int = 200) -> str:
    """Return a text for a sentence, cut to `length` characters; what has no picture is escaped."""
    shown = text[:length]
    if not shown.isprintable():
        shown = "".join(
            character if character.isprintable() else ascii(character)[1:-1] for character in shown
        )
    return shown if len(text) <= length else f"{shown}…"
