"""Matches a command to the recent joint states by its stamp."""

from collections import deque


class RecentStamps:
    """The stamps of the joint states that arrived within a time span.

    The guard and the policy receive the same states over separate connections. Either may lose a
    state, or receive it after the policy's answer. A command's stamp therefore need not equal one
    that arrived here: it may lie between the oldest recent stamp and a span beyond the newest.
    """

    def __init__(self, span: float) -> None:
        """Start without states; `span` is how long after its arrival a state is recent [s]."""
        self._span = span
        self._ahead = round(1e9 * span)  # [ns]
        self._arrivals: deque[tuple[float, int]] = deque()  # time [s], stamp [ns]; oldest first

    def add(self, stamp: int, now: float) -> None:
        """Record a state's stamp [ns] and its time of arrival by the monotonic clock [s]."""
        self._arrivals.append((now, stamp))
        self._drop_old(now)

    def clear(self) -> None:
        """Discard all stamps, because the clock that makes them has jumped."""
        self._arrivals.clear()

    def answered_by(self, stamp: int, now: float) -> bool:
        """Return whether a command answers a recent state.

        Args:
            stamp: of the command [ns].
            now: its time of arrival [s].
        """
        self._drop_old(now)
        if not self._arrivals:
            return False
        return self._arrivals[0][1] <= stamp <= self._arrivals[-1][1] + self._ahead

    def _drop_old(self, now: float) -> None:
        while self._arrivals and now - self._arrivals[0][0] > self._span:
            self._arrivals.popleft()
