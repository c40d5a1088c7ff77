"""The end of a node's process, once everything of ours is in order.

What is left then is the middleware's: it leaves the graph, and at the exit of a process its static
destructors run. Either may spin for ever while other nodes leave the graph, too, with the
interpreter's lock held. So the one gets a second, from a timer of the C library, which needs no
lock; the other is left out.
"""

import ctypes
import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn

_MONOTONIC, _THREAD = 1, 2  # Linux: CLOCK_MONOTONIC, SIGEV_THREAD


class _Event(ctypes.Structure):
    """Linux's `struct sigevent`: a function to call in a thread of its own, and its argument."""

    _fields_ = (
        ("value", ctypes.c_size_t),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("rest", ctypes.c_char * 64),
    )


def leave_within(seconds: float, code: int) -> None:
    """Have the process end with an exit code after a time, whatever it does then.

    Nothing happens on a system without Linux's timers.

    Args:
        seconds: from now on.
        code: the exit code, 0 to 255.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):  # an old C library, which has its timers elsewhere
        event = _Event(value=code, notify=_THREAD)
        event.function = ctypes.cast(libc._exit, ctypes.c_void_p)
        timer = ctypes.c_void_p()
        whole, part = divmod(round(1e9 * seconds), 1_000_000_000)
        once = (ctypes.c_long * 4)(0, 0, whole, part)
        if libc.timer_create(_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)) == 0:
            libc.timer_settime(timer, 0, once, None)


def leave(code: int) -> NoReturn:
    """End the process with an exit code: what was written is flushed, no destructor runs."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, full, or none
            stream.flush()
    os._exit(code)
