"""For how long a joint state has not come, and for how long an answer to one is owed."""

import math


class Lateness:
    """Times of the monotonic clock [s]; nothing in it grows.

    An answer is what the control loop sends, or the command of another process. Either follows
    states: none is owed while these pause for longer than a period, nor after a state that is not
    due. Then it is the next state that is late.
    """

    def __init__(self, period: float) -> None:
        """Take the control period [s]; nothing has come yet."""
        self._period = period
        self._heard_at = self._answered_at = -math.inf
        self._excused = 0.0  # since the last answer, while none was owed
        self._passed_over = False  # the newest state asked for no answer

    def hear(self, now: float) -> None:
        """Take note of a state."""
        pause = now - self._heard_at - self._period
        if 0.0 < pause < math.inf:
            self._excused += pause
        self._heard_at, self._passed_over = now, False

    def pass_over(self) -> None:
        """Take note that the newest state is not due."""
        self._passed_over = True

    def answer(self, now: float) -> None:
        """Take note of an answer."""
        self._answered_at, self._excused = now, 0.0

    def of_state(self, now: float) -> float:
        """Return the time since the last state; infinite when none came."""
        return now - self._heard_at

    def of_any_answer(self, now: float) -> float:
        """Return the time since the last answer, owed or not; infinite when none came."""
        return now - self._answered_at

    def of_answer(self, now: float) -> float:
        """Return for how long an answer is owed."""
        until = self._heard_at if self._passed_over else now - self._pause(now)
        return until - self._answered_at - self._excused

    def _pause(self, now: float) -> float:
        """Return by how much longer than a period no state has come."""
        return max(0.0, now - self._heard_at - self._period)
