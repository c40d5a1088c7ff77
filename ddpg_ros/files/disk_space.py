"""How much room a disk has, before something is written there."""

import errno
import os
from pathlib import Path

RESERVE = 2**20
"""Bytes of a disk that checkpoints leave free, for the names and the logs."""


def free_space(folder: Path) -> int:
    """Return the room of a folder's disk for this user [bytes]."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def require_space(folder: Path, wanted: int) -> None:
    """Check that a folder's disk has room for `wanted` [bytes].

    Raises:
        OSError: it has not; the error is that of a full disk, with the numbers.
    """
    free = free_space(folder)
    if wanted + RESERVE > free:
        raise OSError(
            errno.ENOSPC,
            f"the disk has {free} bytes of room, of which {RESERVE} stay free, and this takes "
            f"{wanted}",
            folder,
        )
