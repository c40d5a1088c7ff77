"""Which paths are safe to open: opening a pipe or a device can block without end."""

from pathlib import Path


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
