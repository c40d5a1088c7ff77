"""Deadlines for the next joint state or command."""

import math
from typing import NamedTuple

_LEAST, _MOST = 0.02, 0.1  # [s] bounds of the default latch deadline
_PERIODS = 2.5  # smallest latch deadline, in control periods: one missing state is no fault
_DEGRADE = 0.8  # largest degrade deadline, relative to the latch deadline


class Deadlines(NamedTuple):
    """Times since the last state or command at which its absence has consequences [s]."""

    period: float  # the regular interval
    warn: float  # counts a warning
    degrade: float  # holds the policy back until the next one arrives
    latch: float  # latches a fault, until an operator resets it

    @classmethod
    def of(cls, period: float, latch_after: float = 0.0) -> "Deadlines":
        """Return the deadlines for a control period T.

        Warn at 2 T, degrade at 3 T, and latch at 10 T clamped to [20, 100] ms and never below
        2.5 T. Degrading comes at most at 0.8 of the latch deadline.

        Args:
            period: T [s].
            latch_after: another latch deadline [s]; 0 takes the default.
        """
        latch = latch_after or max(_LEAST, min(10.0 * period, _MOST), _PERIODS * period)
        degrade = min(3.0 * period, _DEGRADE * latch)
        return cls(period, min(2.0 * period, degrade), degrade, latch)

    @property
    def enabled(self) -> bool:
        """Whether there are deadlines at all."""
        return math.isfinite(self.latch)

    @classmethod
    def none(cls, period: float) -> "Deadlines":
        """Return infinite deadlines, for lock-step, in which time waits for each command."""
        return cls(period, math.inf, math.inf, math.inf)
