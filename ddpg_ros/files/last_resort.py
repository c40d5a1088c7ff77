"""What a run leaves at its end: in its directory, tried again for a while, or else elsewhere."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ddpg_ros.errors import RunDirectoryError

LAST_TRIES = 10.0  # [s]
_PAUSE = 0.25  # [s]


def keep(
    path: Path, write: Callable[[Path], None], patience: float = LAST_TRIES
) -> tuple[Path | None, str]:
    """Write a file for sure: in its place, or in a new folder on another disk.

    The copy elsewhere is made at once, before another try, and removed where a later one succeeds:
    who is killed meanwhile has lost nothing.

    Args:
        path: its place.
        write: writes it; raises OSError where that fails.
        patience: how long to try again [s].

    Returns:
        Where it is, or None, and why it is not in its place, or nothing.
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
    """Raise what could not be written where it belongs; empty ones are none.

    Raises:
        RunDirectoryError: there is one; the sentence says where each file is.
    """
    problems = [one for one in complaints if one]
    if problems:
        raise RunDirectoryError(
            f"{'; '.join(problems)}. Make room on that disk, and bring there what is elsewhere."
        )


def attempt(write: Callable[[Path], None], path: Path) -> str:
    """Return why a write failed, or nothing."""
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
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
    return None


def _places() -> Iterator[Path]:
    yield Path(tempfile.gettempdir())
    with suppress(RuntimeError):  # nobody's
        yield Path.home()
    yield Path("/var/tmp")
    yield Path("/dev/shm")
