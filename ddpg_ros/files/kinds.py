"""Files that may be opened: a pipe or a device would be waited for, deaf to every signal."""

from pathlib import Path


def is_regular(path: Path) -> bool:
    """Whether a path, or what it links to, is a regular file; no name is too odd to ask."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, not to be looked at, or with a zero byte in it
        return False


def is_special(path: Path) -> bool:
    """Whether a path is something else than a file or a directory: a pipe, a device, a socket."""
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except (OSError, ValueError):
        return False
