"""Which joint states are believed: in order, of a plausible time, and of a possible motion."""

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

from ddpg_ros.errors import DisplacedError, JointStateError
from ddpg_ros.safety.stillness import Stillness
from ddpg_ros.types import JointState, Vector

_SPEED = 2.0  # × the velocity limit: no joint is faster
_SLACK = 0.05  # [rad] on top, of a jump in position
_SKEW = 1.0  # [s] by which stamps may run ahead of our clock from one state to the next
_CLOCK_JUMPED = 3  # states in a row that agree on another time
_QUARREL = 1.0  # [s] for which a clock that was left must be silent to be believed again


class Arrival(enum.Enum):
    """What to make of a state."""

    NEW = "new"
    REPEATED = "repeated"  # the same stamp: the answer was lost, or the clock stands
    OUT_OF_TIME = "out of time"  # older than one before, or from the future: dropped
    CLOCK_JUMPED = "clock jumped"  # several of them in a row: that is the time now; a new one


class _Heard(NamedTuple):
    stamp: int  # [ns], the publisher's clock
    at: float  # [s], ours
    position: list[float]  # n [rad]


def _turned(moved: float) -> float:
    """Return an angle [rad] without its whole turns."""
    return math.remainder(moved, math.tau) if math.isfinite(moved) else moved


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
        self._stillness = Stillness(joints, velocity_limit)
        self._last: _Heard | None = None  # believed
        self._stray: _Heard | None = None  # the newest of a row, each following the one before
        self._strays = 0  # in that row
        self._torn = ""  # why the arm cannot have been where the row says
        self._left: _Heard | None = None  # the last one before the clock jumped
        self._left_alive = -math.inf  # [s] when the clock that was left was last heard of
        self._ahead = -math.inf  # [s] by which stamps are ahead of our clock, at most
        self._placed = True
        self.out_of_time = 0
        """States dropped for their stamp."""

    def forget(self) -> None:
        """Believe any position next: the arm is being placed."""
        self._placed = True

    def look(self, state: JointState, now: float) -> Arrival:
        """Judge a state; `now` is the monotonic time at which it came [s].

        Raises:
            DisplacedError: the clock jumped, and the arm with it; or two clocks take turns.
            JointStateError: no stamp, an impossible velocity or an impossible jump, or old values
                under new stamps.
        """
        if state.stamp <= 0:
            raise JointStateError("the stamp is zero; the driver must stamp its states")
        heard = _Heard(state.stamp, now, state.position.tolist())
        arrival = self._arrival(heard)
        if arrival is Arrival.REPEATED or arrival is Arrival.OUT_OF_TIME:
            return arrival
        velocity = state.velocity.tolist()
        believe = self._last is None or self._placed or arrival is Arrival.CLOCK_JUMPED
        self._require_possible(heard, velocity, None if believe else self._last)
        if arrival is Arrival.CLOCK_JUMPED:
            self._left, self._left_alive, self._ahead = self._last, now, -math.inf
            self._stillness.forget()
        elif self._strays and self._keeps_time(self._stray, self._left):
            self._left_alive = now  # the two take turns
        if self._paced:
            self._stillness.require_change(state.stamp, heard.position, velocity)
            self._ahead = max(self._ahead, 1e-9 * state.stamp - now)
        self._last, self._placed, self._strays = heard, False, 0
        return arrival

    def _follows(self, heard: _Heard, before: _Heard) -> bool:
        """Whether a stamp is later than another by no more than the time that has passed."""
        if heard.stamp <= before.stamp:
            return False
        ahead = 1e-9 * (heard.stamp - before.stamp) - (heard.at - before.at)
        return not (self._paced and ahead > _SKEW)

    def _keeps_time(self, heard: _Heard | None, before: _Heard | None) -> bool:
        """Whether two states may be of one clock."""
        if heard is None or before is None or not self._paced:
            return False
        return abs(1e-9 * (heard.stamp - before.stamp) - (heard.at - before.at)) < _SKEW

    def _arrival(self, heard: _Heard) -> Arrival:
        last, stray = self._last, self._stray
        if last is None:
            return Arrival.NEW
        if heard.stamp == last.stamp:
            return Arrival.REPEATED
        if self._follows(heard, last):
            return Arrival.NEW
        if not self._strays or stray is None or not self._goes_on(heard, stray):
            self._strays, self._torn, stray = 0, "", last
        self._torn = self._torn or self._displacement(heard, stray)
        self._stray = heard
        self._strays += 1
        if self._strays < _CLOCK_JUMPED:
            self.out_of_time += 1
            return Arrival.OUT_OF_TIME
        self._require_another_clock(heard)
        return Arrival.CLOCK_JUMPED

    def _goes_on(self, heard: _Heard, stray: _Heard) -> bool:
        return heard.stamp == stray.stamp or self._follows(heard, stray)

    def _require_another_clock(self, heard: _Heard) -> None:
        """Refuse a clock that the arm's position, or a clock that is still alive, contradicts."""
        torn, self._torn = self._torn, ""
        alive = heard.at - self._left_alive < _QUARREL
        if not torn and alive and self._keeps_time(heard, self._left):
            torn = "joint states of two clocks take turns; stop one of their publishers"
        if torn:
            self._strays = 0
            raise DisplacedError(torn)

    def _displacement(self, heard: _Heard, before: _Heard) -> str:
        """Say which joint cannot have come from one place to the other; '' where all can."""
        if self._placed or not self._paced:
            return ""
        passed = heard.at - before.at
        moves = zip(
            self._joints, heard.position, before.position, self._fastest, self._free, strict=True
        )
        for joint, angle, angle_before, fastest, free in moves:
            moved = angle - angle_before
            if free:
                moved = _turned(moved)
            if abs(moved) > fastest * passed + _SLACK:
                return (
                    f"the clock of the joint states jumped, and joint '{joint}' from "
                    f"{angle_before:.4g} to {angle:.4g} rad within {passed:.3g} s, which it "
                    "cannot do: a recording that is played, a second driver, or one that was "
                    "started anew"
                )
        return ""

    def _require_possible(
        self, heard: _Heard, velocities: list[float], last: _Heard | None
    ) -> None:
        """Refuse an impossible velocity, and a jump from `last`, where there is one."""
        before, dt = (heard, 0.0) if last is None else (last, 1e-9 * (heard.stamp - last.stamp))
        if self._paced and last is not None:
            # A clock that jumps ahead, by less than a state that is out of time, excuses no jump.
            excess = 1e-9 * heard.stamp - heard.at - self._ahead
            dt = max(0.0, dt - excess) if excess > 0.0 else dt
        rows = zip(heard.position, before.position, velocities, self._fastest, strict=True)
        for angle, angle_before, velocity, fastest in rows:
            if abs(velocity) > fastest or abs(angle - angle_before) > fastest * dt + _SLACK:
                self._require_possible_velocity(velocities)
                self._require_possible_jump(heard, before, dt)
                return

    def _require_possible_velocity(self, velocities: list[float]) -> None:
        rows = zip(self._joints, velocities, self._fastest, strict=True)
        for joint, velocity, fastest in rows:
            if abs(velocity) > fastest:
                raise JointStateError(
                    f"joint '{joint}' at {velocity:.4g} rad/s is beyond twice its velocity limit, "
                    f"{fastest:g} rad/s"
                )

    def _require_possible_jump(self, heard: _Heard, last: _Heard, dt: float) -> None:
        moves = zip(
            self._joints, heard.position, last.position, self._fastest, self._free, strict=True
        )
        for joint, angle, angle_before, fastest, free in moves:
            moved = angle - angle_before
            turned = _turned(moved)
            if free:
                moved = turned
            most = fastest * dt + _SLACK
            if abs(moved) > most:
                why = f"; its velocity limit is {fastest / _SPEED:g} rad/s"
                if abs(turned) <= most:
                    why = (
                        ", which is a whole turn: its driver seems to wrap the angle. Have it "
                        "publish the angle without the wrap, or make the joint continuous in the "
                        "URDF"
                    )
                raise JointStateError(
                    f"joint '{joint}' jumped by {moved:.4g} rad in {dt:.4g} s{why}"
                    f"{self._stillness.before(last.stamp)}"
                )
