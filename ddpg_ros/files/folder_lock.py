"""A lock on a folder that one process can hold, until it ends; the folder gets no file for it.

A process may share the lock with its children: it hands them the open folder. The lock is then
free when the last of them has ended.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_POLL = 0.05  # [s]
_LOCKS = Path("/proc/locks")
_SHARED = "DDPG_ROS_SHARED_LOCK"  # number of the open folder, in a child's environment
_held: dict[Path, int] = {}  # folders whose lock this process holds


class FolderInUseError(Exception):
    """Another process holds the lock; the text names it."""


@contextmanager
def hold_folder(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of a folder until the context or the process ends.

    On a file system without locks this holds nothing.

    Args:
        folder: the folder.
        patience: how long to wait for a process that holds it [s].

    Raises:
        FolderInUseError: another process holds it.
        OSError: there is no such folder.
    """
    number = _open(folder)
    deadline = time.monotonic() + patience
    try:
        while not _take(number):
            if time.monotonic() >= deadline:
                raise FolderInUseError(_holder(number))
            time.sleep(_POLL)
        _held[folder] = number
        yield
    finally:
        if _held.get(folder) == number:
            del _held[folder]
        os.close(number)


class Shared(NamedTuple):
    """What a child is started with to hold a lock of its parent, too."""

    numbers: tuple[int, ...]  # of open files to leave open
    environment: dict[str, str]


def shared_with_children(folder: Path | None) -> Shared:
    """Return how a child of this process comes to hold the lock of a folder as this one does.

    Args:
        folder: whose lock this process may hold; None shares none.
    """
    number = None if folder is None else _held.get(folder)
    return Shared((), {}) if number is None else Shared((number,), {_SHARED: str(number)})


def _open(folder: Path) -> int:
    """Open a folder; if the parent shares its lock, as the parent has it open."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    shared = os.environ.get(_SHARED, "")
    try:
        if shared.isdecimal() and os.path.samestat(os.fstat(int(shared)), os.fstat(number)):
            os.dup2(int(shared), number, inheritable=False)
    except OSError:  # it is not open here
        pass
    return number


def _take(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


def _holder(number: int) -> str:
    """Return which process holds the lock of an open folder, for a sentence."""
    own = os.fstat(number)
    wanted = f"{os.major(own.st_dev):02x}:{os.minor(own.st_dev):02x}:{own.st_ino}"
    try:
        lines = _LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    for line in lines:
        words = line.split()
        if "FLOCK" in words and wanted in words and "->" not in words:
            process = words[words.index(wanted) - 1]
            # 0 and -1 are of another container; one that has ended shared it with a child
            if process not in ("0", "-1") and Path("/proc", process).exists():
                return f"process {process}"
    return _opener(own) or "another process"


def _opener(wanted: os.stat_result) -> str:
    """Return a process that has the folder open, where /proc/locks has other numbers for it."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        process = link.parts[2]
        try:
            found = link.stat()
        except OSError:  # it has just ended, or is of another user
            continue
        same = (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino)
        if same and process != str(os.getpid()):
            return f"process {process}"
    return ""
