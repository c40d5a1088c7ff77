"""What a process says to whoever looks at its terminal; it never fails and never ends anything."""

import contextlib
import sys


def say(sentence: object) -> None:
    """Write a line to stderr; on a full disk, or where nobody reads, it is lost."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)
