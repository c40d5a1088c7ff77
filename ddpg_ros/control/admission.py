"""Which joint states are believed: in order, of a plausible time, and of a possible motion."""

import enum
import math
from collections.abc import Sequence

from ddpg_ros.errors import JointStateError
from ddpg_ros.types import JointState, Vector

_SPEED = 2.0  # × the velocity limit: no joint is faster
_SLACK = 0.05  # [rad] on top, of a jump in position
_SKEW = 1.0  # [s] by which stamps may run ahead of our clock from one state to the next
_CLOCK_JUMPED = 3  # states in a row that agree on another time


class Arrival(enum.Enum):
    """What to make of a state."""

    NEW = "new"
    REPEATED = "repeated"  # the same stamp: the answer was lost, or the clock stands
    OUT_OF_TIME = "out of time"  # older than one before, or from the future: dropped
    CLOCK_JUMPED = "clock jumped"  # several of them in a row: that is the time now; a new one


class Admission:
    """Looks at each state before anything else does."""

    def __init__(
        self, joints: Sequence[str], velocity_limit: Vector, lower: Vector, paced: bool
    ) -> None:
        """Believe any first state.

        Args:
            joints: n names, for the sentences.
            velocity_limit: (n,) [rad/s].
            lower: (n,) lower position limits [rad]; −∞ where a joint turns freely, and a driver
                may wrap its angle.
            paced: stamps advance as our own clock does; not so in lock-step.
        """
        self._joints = tuple(joints)
        self._fastest = [_SPEED * limit for limit in velocity_limit.tolist()]
        self._free = [math.isinf(limit) for limit in lower.tolist()]
        self._paced = paced
        self._last: JointState | None = None
        self._came_at = 0.0
        self._strays = 0  # in a row, each following the one before
        self._stray, self._strayed_at = 0, 0.0  # the newest one's stamp [ns], and when it came
        self._placed = True
        self.out_of_time = 0
        """States dropped for their stamp."""

    def forget(self) -> None:
        """Believe any position next: the arm is being placed."""
        self._placed = True

    def look(self, state: JointState, now: float) -> Arrival:
        """Judge a state; `now` is the monotonic time at which it came [s].

        Raises:
            JointStateError: no stamp, an impossible velocity or an impossible jump.
        """
        if state.stamp <= 0:
            raise JointStateError("the stamp is zero; the driver must stamp its states")
        last = self._last
        arrival = self._arrival(state.stamp, last.stamp, now) if last else Arrival.NEW
        if arrival is Arrival.REPEATED or arrival is Arrival.OUT_OF_TIME:
            return arrival
        if last is None or self._placed or arrival is Arrival.CLOCK_JUMPED:
            self._require_possible(state, None, 0.0)
        else:
            self._require_possible(state, last, 1e-9 * (state.stamp - last.stamp))
        self._last, self._came_at, self._placed, self._strays = state, now, False, 0
        return arrival

    def _follows(self, stamp: int, last: int, passed: float) -> bool:
        """Whether a stamp is later than another by no more than the time [s] that has passed."""
        return stamp > last and not (self._paced and 1e-9 * (stamp - last) - passed > _SKEW)

    def _arrival(self, stamp: int, last: int, now: float) -> Arrival:
        if stamp == last:
            return Arrival.REPEATED
        if self._follows(stamp, last, now - self._came_at):
            return Arrival.NEW
        same = stamp == self._stray or self._follows(stamp, self._stray, now - self._strayed_at)
        self._strays = self._strays + 1 if self._strays and same else 1
        self._stray, self._strayed_at = stamp, now
        if self._strays >= _CLOCK_JUMPED:
            return Arrival.CLOCK_JUMPED
        self.out_of_time += 1
        return Arrival.OUT_OF_TIME

    def _require_possible(self, state: JointState, last: JointState | None, dt: float) -> None:
        before = state if last is None else last
        joints = zip(
            self._joints,
            state.position.tolist(),
            before.position.tolist(),
            state.velocity.tolist(),
            self._fastest,
            self._free,
            strict=True,
        )
        for joint, angle, angle_before, velocity, fastest, free in joints:
            if abs(velocity) > fastest:
                raise JointStateError(
                    f"joint '{joint}' at {velocity:.4g} rad/s is beyond twice its velocity limit, "
                    f"{fastest:g} rad/s"
                )
            moved = angle - angle_before
            if free:
                moved = math.remainder(moved, math.tau)
            if abs(moved) > fastest * dt + _SLACK:
                raise JointStateError(
                    f"joint '{joint}' jumped by {moved:.4g} rad in {dt:.4g} s; its velocity limit "
                    f"is {fastest / _SPEED:g} rad/s"
                )
