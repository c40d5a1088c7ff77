"""A lock on a folder that one process can hold, until it ends; the folder gets no file for it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL = 0.05  # [s]
_LOCKS = Path("/proc/locks")


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
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    deadline = time.monotonic() + patience
    try:
        while not _take(number):
            if time.monotonic() >= deadline:
                raise FolderInUseError(_holder(number))
            time.sleep(_POLL)
        yield
    finally:
        os.close(number)


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
            if process not in ("0", "-1"):  # of another container
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
