"""Whether a command answers one of the states that came last."""

from collections import deque


class RecentStamps:
    """The stamps of the states that came within the last moments.

    Guard and policy hear the same states, each by a connection of its own that may lose some, and
    in either order with the policy's answer. So a command's stamp need not be one that came here:
    it may lie anywhere between the oldest of the recent stamps and a little beyond the newest.
    """

    def __init__(self, span: float) -> None:
        """Take how old a state may be that is still answered, by the time of its receipt [s]."""
        self._span = span
        self._ahead = round(1e9 * span)  # [ns]
        self._came: deque[tuple[float, int]] = deque()  # when [s], stamp [ns]; oldest first

    def add(self, stamp: int, now: float) -> None:
        """Take note of a state's stamp [ns], which came at `now` on the monotonic clock [s]."""
        self._came.append((now, stamp))
        self._forget(now)

    def clear(self) -> None:
        """Forget all: the clock that stamps the states has jumped."""
        self._came.clear()

    def answered_by(self, stamp: int, now: float) -> bool:
        """Whether a command of a stamp [ns], which came at `now` [s], answers a recent state."""
        self._forget(now)
        if not self._came:
            return False
        return self._came[0][1] <= stamp <= self._came[-1][1] + self._ahead

    def _forget(self, now: float) -> None:
        while self._came and now - self._came[0][0] > self._span:
            self._came.popleft()
