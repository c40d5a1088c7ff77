"""Writes a run's results even if its disk is full: retries for a while, then uses another disk."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ddpg_ros.errors import RunDirectoryError

LAST_TRIES = 10.0  # [s] for which a run's end retries to write
_PAUSE = 0.25  # [s] between tries


def keep(
    path: Path, write: Callable[[Path], None], patience: float = LAST_TRIES
) -> tuple[Path | None, str]:
    """Write a file to `path`, or to a new folder on another disk if that fails.

    The copy on the other disk is made before the first retry, so that a process that is killed
    meanwhile has lost nothing. The copy is removed when a retry succeeds.

    Args:
        path: where the file belongs.
        write: writes the file to a given path; raises OSError if that fails.
        patience: how long to retry [s].

    Returns:
        The path written, None if every disk failed, and a sentence: empty, or why the file is
        not at `path` and where it is.
    """
    why = attempt(write, path)
    if not why:
        return path, ""
    spare = _write_elsewhere(path, write)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        time.sleep(_PAUSE)
        if not attempt(write, path):
            if spare is not None:
                spare.unlink(missing_ok=True)
                spare.parent.rmdir()
            return path, ""
    where = f"it is {spare}" if spare is not None else "it is lost, as no other disk takes it"
    return spare, f"{path} could not be written ({why}): {where}"


def require_whole(complaints: Sequence[str]) -> None:
    """Raise one error for all files that could not be written where they belong.

    Args:
        complaints: the sentences that `keep` returned; empty ones are ignored.

    Raises:
        RunDirectoryError: a file is missing or elsewhere; the message says where each one is.
    """
    problems = [complaint for complaint in complaints if complaint]
    if problems:
        raise RunDirectoryError(
            f"{'; '.join(problems)}. Make room on that disk, and move there what is elsewhere."
        )


def attempt(write: Callable[[Path], None], path: Path) -> str:
    """Return why a write failed; empty if it succeeded."""
    try:
        write(path)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _write_elsewhere(path: Path, write: Callable[[Path], None]) -> Path | None:
    for place in _places():
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"ddpg_ros-{path.parent.name}-", dir=place))
        except OSError:
            continue
        if not attempt(write, folder / path.name):
            return folder / path.name
        for partial in folder.iterdir():
            partial.unlink()
        folder.rmdir()
    return None


def _places() -> Iterator[Path]:
    yield Path(tempfile.gettempdir())
    with suppress(RuntimeError):  # this user has no home
        yield Path.home()
    yield Path("/var/tmp")
    yield Path("/dev/shm")
