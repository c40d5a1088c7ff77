"""The decimator: selects one joint state a control period.

The joint states themselves drive the control loop. A timer would add a delay between a state and
its action.
"""

_LARGEST_SLACK = 0.2  # of a control period


class Decimator:
    """Selects one state a control period, by the states' stamps.

    The decimator selects the state nearest to its schedule. A state may therefore be early by
    half the interval since the previous state, and by at most a fifth of the control period.
    """

    def __init__(self, period: float) -> None:
        """Set the control period [s]; the first state is due."""
        self._period = round(period * 1e9)
        self._largest_slack = round(_LARGEST_SLACK * self._period)
        self._next: int | None = None  # [ns] on schedule
        self._earliest = 0  # [ns] after the last tick, whatever the schedule
        self._previous = 0  # [ns] stamp of the last state

    def reset(self) -> None:
        """Make the next state due and restart the schedule from it."""
        self._next = None

    def due(self, stamp: int) -> bool:
        """Return whether the control loop acts on the state with this stamp [ns].

        A late state shifts the schedule, so that no burst of ticks follows to catch up.
        """
        slack = min((stamp - self._previous) // 2, self._largest_slack)
        self._previous = stamp
        if self._next is None:
            self._next = stamp
        elif stamp < max(self._next - slack, self._earliest):
            return False
        self._earliest = stamp + self._period - self._largest_slack
        self._next = max(self._next + self._period, self._earliest)
        return True
