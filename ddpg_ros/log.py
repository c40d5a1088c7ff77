"""Where the package's log goes when a process of ours runs: to stderr, a plain line a record.

As a library, the package only has the logger `ddpg_ros`; the application decides about it.
"""

import contextlib
import logging
import sys

ROOT = logging.getLogger("ddpg_ros")


class PlainHandler(logging.Handler):
    """Writes the message of each record to stderr, and never fails or ends anything.

    The line is lost if the disk is full, the pipe is closed, or a terminal takes no more.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: stderr is closed
            print(self.format(record), file=sys.stderr, flush=True)


def log_to(handler: logging.Handler) -> None:
    """Send the package's log, from level INFO on, to this handler alone."""
    for other in list(ROOT.handlers):
        ROOT.removeHandler(other)
    ROOT.addHandler(handler)
    ROOT.setLevel(logging.INFO)


def log_to_stderr(prefix: str = "") -> None:
    """Send the package's log to stderr, each line after a prefix."""
    handler = PlainHandler()
    handler.setFormatter(logging.Formatter(f"{prefix}%(message)s"))
    log_to(handler)
