"""Rate and jitter of the control loop's ticks, for diagnostics."""

from typing import NamedTuple


class Rhythm(NamedTuple):
    """Statistics of the intervals between ticks."""

    rate: float  # [1/s], since the last report
    jitter: float  # [s] largest deviation from the control period, since the last report
    misses: int  # intervals longer than two control periods, since the start


class TickClock:
    """Accumulates the intervals between ticks in constant memory."""

    def __init__(self, period: float) -> None:
        """Start without intervals, for a control period [s]."""
        self._period = period
        self._misses = 0
        self._clear()

    def _clear(self) -> None:
        self._count = 0
        self._sum = self._worst = 0.0

    def add(self, interval: float) -> None:
        """Add the interval between two ticks [s]."""
        self._count += 1
        self._sum += interval
        self._worst = max(self._worst, abs(interval - self._period))
        self._misses += interval > 2.0 * self._period

    def take(self) -> Rhythm:
        """Return the statistics since the last call, and start anew."""
        rate = self._count / self._sum if self._sum > 0.0 else 0.0
        rhythm = Rhythm(rate, self._worst, self._misses)
        self._clear()
        return rhythm

    @property
    def misses(self) -> int:
        """Intervals longer than two control periods, since the start."""
        return self._misses
