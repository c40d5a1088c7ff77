"""Admission of joint states: in order, at a plausible time, and after a possible motion."""

import enum
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ddpg_ros.errors import DisplacedError, JointStateError
from ddpg_ros.robot.units import SLIDES, TURNS, Units
from ddpg_ros.safety.stillness import Stillness
from ddpg_ros.types import JointState, Vector

_SPEED = 2.0  # × the velocity limit: a higher velocity is impossible
_SLACK = 0.05  # [rad] tolerance of a jump in position
_SLIDING_SLACK = 0.005  # [m] likewise of a joint that slides
_SKEW = 1.0  # [s] by which a stamp may gain on our clock from one state to the next
_CLOCK_JUMPED = 3  # outliers in a row that establish a new clock
_SILENCE = 1.0  # [s] without the old clock, before the new clock may jump back to it


class Arrival(enum.Enum):
    """The verdict on a state."""

    NEW = "new"
    REPEATED = "repeated"  # the same stamp: the answer was lost, or the clock stands still
    OUT_OF_TIME = "out of time"  # an outlier, older than a previous state or from the future
    CLOCK_JUMPED = "clock jumped"  # a new state; several outliers in a row set a new clock


class _Arrived(NamedTuple):
    stamp: int  # [ns], the publisher's clock
    at: float  # [s], our monotonic clock
    position: list[float]  # n [rad]


class _Move(NamedTuple):
    """A joint in two states; lengths in m if it slides."""

    joint: str
    angle: float  # [rad]
    before: float  # [rad]
    fastest: float  # [rad/s]
    free: bool  # whether its driver may wrap the angle
    slack: float  # [rad]
    units: Units


def _unwound(moved: float) -> float:
    """Return an angle [rad] without its full turns."""
    return math.remainder(moved, math.tau) if math.isfinite(moved) else moved


class Admission:
    """Judges each joint state before any other component uses it.

    A state whose stamp does not follow the last accepted one is an outlier and is dropped. Three
    outliers in a row that follow each other show that the publisher's clock has jumped, for
    example because the driver was restarted. The new clock is refused if the arm's position
    contradicts it, or if the old clock is still alive: then two publishers alternate.
    """

    def __init__(
        self,
        joints: Sequence[str],
        velocity_limit: Vector,
        lower: Vector,
        real_time: bool,
        units: Sequence[Units] = (),
    ) -> None:
        """Accept any first state.

        Args:
            joints: n names, for error messages.
            velocity_limit: (n,) [rad/s].
            lower: (n,) lower position limits [rad]; −∞ for a continuous joint, whose angle a
                driver may wrap.
            real_time: whether stamps advance like our own clock; false in lock-step.
            units: of each joint; empty: all turn.
        """
        self._joints = tuple(joints)
        self._fastest = [_SPEED * limit for limit in velocity_limit.tolist()]
        self._units = tuple(units) or (TURNS,) * len(joints)
        self._slack = [_SLIDING_SLACK if u is SLIDES else _SLACK for u in self._units]
        self._free = [math.isinf(limit) for limit in lower.tolist()]
        self._real_time = real_time
        self._stillness = Stillness(joints, velocity_limit)
        self._last: _Arrived | None = None  # the last accepted state
        self._outlier: _Arrived | None = None  # the newest of a row of outliers
        self._outliers = 0  # length of that row
        self._displacement = ""  # why the arm cannot be where that row puts it
        self._old: _Arrived | None = None  # the last state before the clock jumped
        self._old_seen = -math.inf  # [s] when a state of the old clock last arrived
        self._ahead = -math.inf  # [s] most by which stamps have been ahead of our clock
        self._any_position = True
        self.out_of_time = 0
        """Number of outliers dropped."""

    def forget(self) -> None:
        """Accept any position in the next state, because the arm is being reset."""
        self._any_position = True

    def look(self, state: JointState, now: float) -> Arrival:
        """Judge a state.

        Args:
            state: as it arrived.
            now: the monotonic time of its arrival [s].

        Raises:
            DisplacedError: the clock and the arm's position jumped together, or two clocks
                alternate.
            JointStateError: a missing stamp, an impossible velocity or jump, or old values under
                new stamps.
        """
        if state.stamp <= 0:
            raise JointStateError("the stamp is zero; the driver must stamp its states")
        arrived = _Arrived(state.stamp, now, state.position.tolist())
        arrival = self._arrival(arrived)
        if arrival is Arrival.REPEATED or arrival is Arrival.OUT_OF_TIME:
            return arrival
        velocity = state.velocity.tolist()
        unrelated = self._last is None or self._any_position or arrival is Arrival.CLOCK_JUMPED
        self._require_possible(arrived, velocity, None if unrelated else self._last)
        if arrival is Arrival.CLOCK_JUMPED:
            self._old, self._old_seen, self._ahead = self._last, now, -math.inf
            self._stillness.forget()
        elif self._outliers and self._keeps_time(self._outlier, self._old):
            self._old_seen = now  # the two clocks alternate
        if self._real_time:
            self._stillness.require_change(state.stamp, arrived.position, velocity)
            self._ahead = max(self._ahead, 1e-9 * state.stamp - now)
        self._last, self._any_position, self._outliers = arrived, False, 0
        return arrival

    def _follows(self, arrived: _Arrived, before: _Arrived) -> bool:
        """Return whether a stamp is later than another, by about the time that has passed."""
        if arrived.stamp <= before.stamp:
            return False
        ahead = 1e-9 * (arrived.stamp - before.stamp) - (arrived.at - before.at)
        return not (self._real_time and ahead > _SKEW)

    def _keeps_time(self, arrived: _Arrived | None, before: _Arrived | None) -> bool:
        """Return whether two states can be of the same clock."""
        if arrived is None or before is None or not self._real_time:
            return False
        return abs(1e-9 * (arrived.stamp - before.stamp) - (arrived.at - before.at)) < _SKEW

    def _arrival(self, arrived: _Arrived) -> Arrival:
        last, stray = self._last, self._outlier
        if last is None:
            return Arrival.NEW
        if arrived.stamp == last.stamp:
            return Arrival.REPEATED
        if self._follows(arrived, last):
            return Arrival.NEW
        if not self._outliers or stray is None or not self._continues(arrived, stray):
            self._outliers, self._displacement, stray = 0, "", last
        self._displacement = self._displacement or self._find_displacement(arrived, stray)
        self._outlier = arrived
        self._outliers += 1
        if self._outliers < _CLOCK_JUMPED:
            self.out_of_time += 1
            return Arrival.OUT_OF_TIME
        self._require_another_clock(arrived)
        return Arrival.CLOCK_JUMPED

    def _continues(self, arrived: _Arrived, stray: _Arrived) -> bool:
        return arrived.stamp == stray.stamp or self._follows(arrived, stray)

    def _require_another_clock(self, arrived: _Arrived) -> None:
        """Refuse a new clock if the arm's position or a live old clock contradicts it."""
        problem, self._displacement = self._displacement, ""
        alive = arrived.at - self._old_seen < _SILENCE
        if not problem and alive and self._keeps_time(arrived, self._old):
            problem = "joint states of two clocks take turns; stop one of their publishers"
        if problem:
            self._outliers = 0
            raise DisplacedError(problem)

    def _moves(self, arrived: _Arrived, before: _Arrived) -> Iterator[_Move]:
        """Yield how each joint may have moved from one state to the other."""
        return map(
            _Move,
            self._joints,
            arrived.position,
            before.position,
            self._fastest,
            self._free,
            self._slack,
            self._units,
        )

    def _find_displacement(self, arrived: _Arrived, before: _Arrived) -> str:
        """Return which joint cannot have moved from one state to the other; empty if all can."""
        if self._any_position or not self._real_time:
            return ""
        passed = arrived.at - before.at
        for joint, angle, angle_before, fastest, free, slack, units in self._moves(
            arrived, before
        ):
            moved = angle - angle_before
            if free:
                moved = _unwound(moved)
            if abs(moved) > fastest * passed + slack:
                return (
                    f"the clock of the joint states jumped, and joint '{joint}' from "
                    f"{angle_before:.4g} to {angle:.4g} {units.position} within {passed:.3g} s, "
                    "which is impossible: a recording is being played, a second driver runs, or "
                    "the driver was restarted"
                )
        return ""

    def _require_possible(
        self, arrived: _Arrived, velocities: list[float], last: _Arrived | None
    ) -> None:
        """Refuse an impossible velocity, and an impossible jump from `last` if there is one."""
        before, dt = (
            (arrived, 0.0) if last is None else (last, 1e-9 * (arrived.stamp - last.stamp))
        )
        if self._real_time and last is not None:
            # A stamp that gains on our clock, by less than an outlier's, allows no larger jump.
            excess = 1e-9 * arrived.stamp - arrived.at - self._ahead
            dt = max(0.0, dt - excess) if excess > 0.0 else dt
        rows = zip(
            arrived.position, before.position, velocities, self._fastest, self._slack, strict=True
        )
        for angle, angle_before, velocity, fastest, slack in rows:
            if abs(velocity) > fastest or abs(angle - angle_before) > fastest * dt + slack:
                self._require_possible_velocity(velocities)
                self._require_possible_jump(arrived, before, dt)
                return

    def _require_possible_velocity(self, velocities: list[float]) -> None:
        rows = zip(self._joints, velocities, self._fastest, self._units, strict=True)
        for joint, velocity, fastest, units in rows:
            if abs(velocity) > fastest:
                raise JointStateError(
                    f"joint '{joint}' at {velocity:.4g} {units.velocity} is beyond twice its "
                    f"velocity limit, {fastest:g} {units.velocity}"
                )

    def _require_possible_jump(self, arrived: _Arrived, last: _Arrived, dt: float) -> None:
        for joint, angle, angle_before, fastest, free, slack, units in self._moves(arrived, last):
            moved = angle - angle_before
            unwound = _unwound(moved) if units is TURNS else moved
            if free:
                moved = unwound
            most = fastest * dt + slack
            if abs(moved) > most:
                why = f"; its velocity limit is {fastest / _SPEED:g} {units.velocity}"
                if abs(unwound) <= most:
                    why = (
                        ", which is a full turn: its driver seems to wrap the angle. Have it "
                        "publish the angle without the wrap, or make the joint continuous in the "
                        "URDF"
                    )
                raise JointStateError(
                    f"joint '{joint}' jumped by {moved:.4g} {units.position} in {dt:.4g} s{why}"
                    f"{self._stillness.before(last.stamp)}"
                )
