"""Paths as people give them, and which are safe to open: a pipe or device can block for ever."""

import os
from pathlib import Path


def at_home(path: str | Path) -> Path:
    """Return a path with its user's home for `~`; that of nobody stays, as in a shell."""
    return Path(os.path.expanduser(path))


def is_regular(path: Path) -> bool:
    """Return whether a path, or what it links to, is a regular file; it accepts any path."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, no permission, or a zero byte in it
        return False


def is_special(path: Path) -> bool:
    """Return whether a path is neither a file nor a directory: a pipe, a device, a socket."""
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Return whether a path, or what it links to, is a directory; it accepts any path."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
