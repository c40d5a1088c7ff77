"""Which joint states are due: the control loop is driven by the states themselves."""

_MOST_SLACK = 0.2  # of a control period


class Decimator:
    """Picks one state a control period by the states' stamps, so that no timer adds a phase.

    A state may come early by half the time since the one before it, at most by a fifth of the
    period: the nearest state to the schedule is taken, and one a period is taken in spite of
    jitter.
    """

    def __init__(self, period: float) -> None:
        """Take the control period [s]."""
        self._period = round(period * 1e9)
        self._most_slack = round(_MOST_SLACK * self._period)
        self._next: int | None = None  # on schedule
        self._earliest = 0  # by the last tick, whatever the schedule says
        self._previous = 0  # stamp of the last state

    def reset(self) -> None:
        """Take the next state, whenever it comes."""
        self._next = None

    def due(self, stamp: int) -> bool:
        """Say whether the state stamped `stamp` [ns] is to be acted on.

        A late state moves the schedule, so that no burst of ticks makes up for it.
        """
        slack = min((stamp - self._previous) // 2, self._most_slack)
        self._previous = stamp
        if self._next is None:
            self._next = stamp
        elif stamp < max(self._next - slack, self._earliest):
            return False
        self._earliest = stamp + self._period - self._most_slack
        self._next = max(self._next + self._period, self._earliest)
        return True
