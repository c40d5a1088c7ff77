"""The age of the last joint state, and for how long its answer has been overdue."""

import math


class Lateness:
    """Measures lateness by the monotonic clock [s], in constant memory.

    An answer is a torque of the control loop, or the command of another process. Each answer
    follows a state. It is therefore not overdue while states pause for longer than a control
    period, nor after a state that the decimator skipped: then the next state is late.
    """

    def __init__(self, period: float) -> None:
        """Start without a state or an answer, for a control period [s]."""
        self._period = period
        self._state_at = self._answer_at = -math.inf
        self._excused = 0.0  # [s] since the last answer during which none was due
        self._skipped = False  # whether the newest state needs no answer

    def record_state(self, now: float) -> None:
        """Record the arrival of a state."""
        pause = now - self._state_at - self._period
        if 0.0 < pause < math.inf:
            self._excused += pause
        self._state_at, self._skipped = now, False

    def record_skip(self) -> None:
        """Record that the decimator skipped the newest state."""
        self._skipped = True

    def record_answer(self, now: float) -> None:
        """Record an answer."""
        self._answer_at, self._excused = now, 0.0

    def state_age(self, now: float) -> float:
        """Return the time since the last state; infinite if there was none."""
        return now - self._state_at

    def answer_age(self, now: float) -> float:
        """Return the time since the last answer; infinite if there was none."""
        return now - self._answer_at

    def answer_overdue(self, now: float) -> float:
        """Return the time since the last answer, less the time during which none was due."""
        until = self._state_at if self._skipped else now - self._pause(now)
        return until - self._answer_at - self._excused

    def _pause(self, now: float) -> float:
        """Return by how much longer than a period no state has arrived."""
        return max(0.0, now - self._state_at - self._period)
