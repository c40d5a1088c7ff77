"""Which joint states are due: the control loop is driven by the states themselves."""

_SLACK = 0.1  # of a control period: how early a state may come and still be taken


class Decimator:
    """Picks one state a control period by the states' stamps, so that no timer adds a phase."""

    def __init__(self, period: float) -> None:
        """Take the control period [s]."""
        self._period = round(period * 1e9)
        self._slack = round(_SLACK * self._period)
        self._next: int | None = None  # on schedule
        self._earliest = 0  # by the last tick, whatever the schedule says

    def reset(self) -> None:
        """Take the next state, whenever it comes."""
        self._next = None

    def due(self, stamp: int) -> bool:
        """Say whether the state stamped `stamp` [ns] is to be acted on.

        A late state moves the schedule, so that no burst of ticks makes up for it.
        """
        if self._next is None:
            self._next = stamp
        elif stamp < max(self._next - self._slack, self._earliest):
            return False
        self._earliest = stamp + self._period - self._slack
        self._next = max(self._next + self._period, self._earliest)
        return True
