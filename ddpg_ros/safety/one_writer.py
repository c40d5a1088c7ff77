"""Whether the messages of a topic come from more than one writer.

A writer numbers its messages, and a reader gets those of one writer in order: with gaps, but never
backwards. The numbers of two writers are two sequences; woven into one, they go back or stand
still again and again, whichever rates the writers have.
"""

from collections import deque

_BACK = 3  # steps; a driver that is started again makes one
_WITHIN = 5.0  # [s]


class OneWriter:
    """Looks at the sequence numbers of the messages in the order in which they come."""

    def __init__(self) -> None:
        """Begin before the first message."""
        self._last = 0
        self._backs: deque[float] = deque(maxlen=_BACK)  # when the numbers went back [s]

    def hear(self, number: int | None, now: float) -> None:
        """Take the number of a message that came at `now` [s]; None where there are none."""
        if number is None:
            return
        if number <= self._last:
            self._backs.append(now)
        self._last = number

    def contradicted(self, now: float) -> bool:
        """Whether there was more than one writer within the last moments."""
        return len(self._backs) == _BACK and now - self._backs[0] <= _WITHIN

    def forget(self) -> None:
        """Look at what comes from now on alone."""
        self._backs.clear()
