"""Detects by sequence numbers that a topic has more than one writer.

DDS delivers the messages of one writer in order, perhaps with gaps: their sequence numbers never
decrease. The numbers of two writers are independent, so a mixture of both decreases again and
again, whatever the writers' rates.
"""

from collections import deque

_DECREASES = 3  # a driver that is restarted causes one
_WITHIN = 5.0  # [s]


class OneWriter:
    """Checks the hypothesis that all messages of a topic come from one writer."""

    def __init__(self) -> None:
        """Start before the first message."""
        self._last = 0
        self._decreases: deque[float] = deque(maxlen=_DECREASES)  # their times [s]

    def hear(self, number: int | None, now: float) -> None:
        """Record a message's arrival.

        Args:
            number: its sequence number; None if the middleware provides none.
            now: the time [s].
        """
        if number is None:
            return
        if number <= self._last:
            self._decreases.append(now)
        self._last = number

    def contradicted(self, now: float) -> bool:
        """Return whether the last few seconds showed more than one writer."""
        return len(self._decreases) == _DECREASES and now - self._decreases[0] <= _WITHIN

    def forget(self) -> None:
        """Discard past messages."""
        self._decreases.clear()
