"""How long a joint state or a command may be silent before it matters."""

import math
from typing import NamedTuple

_LEAST, _MOST = 0.02, 0.1  # [s] of the formula for the latch
_PERIODS = 2.5  # a slower rhythm cannot be watched more closely than this
_DEGRADE = 0.8  # of the latch, at most: what is held back is held back before it latches


class Deadlines(NamedTuple):
    """Ages [s] since the last one came."""

    period: float  # as it should be
    warn: float
    degrade: float  # the policy is held back until the next one comes
    latch: float  # a fault, until somebody resets it

    @classmethod
    def of(cls, period: float, latch_after: float = 0.0) -> "Deadlines":
        """Return two periods, three periods, and ten periods within 20 to 100 ms.

        Args:
            period: the control period T [s].
            latch_after: another age for the latch [s]; 0: max(20 ms, min(10 T, 100 ms), 2.5 T).
        """
        latch = latch_after or max(_LEAST, min(10.0 * period, _MOST), _PERIODS * period)
        degrade = min(3.0 * period, _DEGRADE * latch)
        return cls(period, min(2.0 * period, degrade), degrade, latch)

    @property
    def enabled(self) -> bool:
        """Whether they come at all."""
        return math.isfinite(self.latch)

    @classmethod
    def none(cls, period: float) -> "Deadlines":
        """Return deadlines that never come: time stands still while we think, as in lock-step."""
        return cls(period, math.inf, math.inf, math.inf)
