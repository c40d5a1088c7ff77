"""One root exception, and a child for each thing a user can mend.

Every message says what came, what was expected and how to mend it. The command line and the
nodes print the message alone and exit with `EXIT_CODE`; a traceback is for our own mistakes.
"""

import difflib
from collections.abc import Iterable, Sequence

EXIT_CODE = 2

_FEW, _LONGEST = 12, 40  # names in a sentence, and characters of each


class DdpgRosError(Exception):
    """Root of everything a user can mend."""


class ConfigError(DdpgRosError):
    """A setting or a configuration file that cannot be used."""


class RobotError(DdpgRosError):
    """A robot description that cannot be used."""


class JointStateError(DdpgRosError):
    """A joint state that does not fit the robot; it is rejected and counted."""


class JointNamesError(JointStateError):
    """A joint state without one of the robot's joints."""


class ForeignJointsError(JointNamesError):
    """A message of another device on the same topic: it names none of the robot's joints."""


class DisplacedError(JointStateError):
    """States of another clock in which the arm is where it cannot be; one is a fault."""


class PolicyFileError(DdpgRosError):
    """A policy file that cannot be used."""


class CheckpointError(DdpgRosError):
    """A checkpoint that cannot be used."""


class RunDirectoryError(DdpgRosError):
    """A run directory that cannot be written."""


class LearnerDiedError(DdpgRosError):
    """The learner process ended without being asked to."""


class LearnerDivergedError(DdpgRosError):
    """Updates that cannot be used, one after the other."""


class EnvironmentFailedError(DdpgRosError):
    """A Gymnasium environment whose own code fails, or that gives what nobody can learn from."""


class TaskFailedError(DdpgRosError):
    """A task that gives, in a step, something else than it states."""


class RunFailedError(DdpgRosError):
    """A training that ended early with an error; what it had learnt is saved."""


class RefusedError(DdpgRosError):
    """An operator's command that the present state does not allow."""


class MachineError(DdpgRosError):
    """Something on this machine is missing, or in the way."""


def few_of(names: Sequence[str]) -> str:
    """Return names for a sentence: the first few, each cut to what a line takes."""
    few = [shortened(name, _LONGEST) for name in names[:_FEW]]
    rest = len(names) - len(few)
    return ", ".join(few) + (f" and {rest} more" if rest else "")


def nearest(word: str, known: Iterable[str], likeness: float = 0.5) -> str:
    """End a sentence with the known word closest to `word`: `; did you mean 'x'?`, or `.`.

    The last part of a dotted name is closer than any likeness: `n_step` is `learner.n_step`.
    """
    words = list(known)
    matches = [one for one in words if one.rpartition(".")[2] == word]
    matches = matches or difflib.get_close_matches(word, words, n=1, cutoff=likeness)
    return f"; did you mean '{matches[0]}'?" if matches else "."


def shortened(text: str, length: int = 200) -> str:
    """Return a text for a sentence: what is longer than `length` loses its end."""
    return text if len(text) <= length else f"{text[:length]}…"
