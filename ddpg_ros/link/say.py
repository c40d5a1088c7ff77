"""What the learner's process says to whoever looks at its terminal."""

import contextlib
import sys


def say(sentence: str) -> None:
    """Write a line to stderr; where that is a file on a full disk, it is lost."""
    with contextlib.suppress(OSError):
        print(f"learner: {sentence}", file=sys.stderr, flush=True)
