"""PyBullet, imported and used without its messages on the terminal."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Discard everything that C code prints to stdout and stderr within the block.

    PyBullet prints its build time when it is imported, and warnings while it loads a URDF. Both
    bypass Python, so the block redirects the file descriptors themselves.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [(fd, os.dup(fd)) for fd in (1, 2)]
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        for fd, _ in saved:
            os.dup2(sink, fd)
        yield
    finally:
        for fd, copy in saved:
            os.dup2(copy, fd)
            os.close(copy)
        os.close(sink)


with quiet():
    import pybullet

__all__ = ["pybullet", "quiet"]
