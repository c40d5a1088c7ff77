"""PyBullet, imported and used without its chatter on the terminal."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what C code prints to stdout and stderr nowhere, for as long as the block lasts.

    PyBullet prints its build time when it is imported and warnings while it loads a URDF. Both
    go past Python, so the file descriptors themselves are put aside.
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
