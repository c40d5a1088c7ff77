"""A log that nobody reads does not hold the control loop up.

A terminal after Ctrl-S, or a pipe that is full, holds a write up for as long as it stays so. rclpy
writes its log with the interpreter's lock held: with it stand the loop and the watchdog.
"""

import contextlib
import os
import stat

_STREAMS = (1, 2)  # stdout, stderr


def make_stdio_nonblocking() -> None:
    """Write to terminals and pipes without waiting: what they do not take at once is lost.

    They are opened anew for it, because those who started this process write to the same ones,
    and are to wait as before. What cannot be opened anew, like a socket, or the terminal of
    another user, is left as it is.
    """
    for stream in _STREAMS:
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(stream).st_mode) or os.isatty(stream):
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
                anew = os.open(f"/proc/self/fd/{stream}", flags)
                os.dup2(anew, stream)
                os.close(anew)
