"""What a node's process does first and last: a log that never waits, and an end in time.

A terminal after Ctrl-S, or a pipe that is full, holds a write up for as long as it stays so. rclpy
writes its log with the interpreter's lock held: with it stand the control loop and the watchdog.

At the end of a process the middleware leaves the graph, and its static destructors run. Either may
spin for ever while other nodes leave the graph, too, with the interpreter's lock held. So the one
gets a limit, from a timer of the C library, which needs no lock; the other is left out.
"""

import ctypes
import logging
import os
import stat
import sys
from contextlib import suppress
from typing import NoReturn

_STREAMS = (1, 2)  # stdout, stderr
_MONOTONIC, _THREAD = 1, 2  # Linux: CLOCK_MONOTONIC, SIGEV_THREAD


def make_stdio_nonblocking() -> None:
    """Write to terminals and pipes without waiting: what they do not take at once is lost.

    They are opened anew for it, because those who started this process write to the same ones,
    and are to wait as before. What cannot be opened anew, like a socket, or the terminal of
    another user, is left as it is.
    """
    for stream in _STREAMS:
        with suppress(OSError):
            if stat.S_ISFIFO(os.fstat(stream).st_mode) or os.isatty(stream):
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
                anew = os.open(f"/proc/self/fd/{stream}", flags)
                os.dup2(anew, stream)
                os.close(anew)


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
