"""The torque guard between the policy, whose output is untrusted, and the motors."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ddpg_ros.config.settings import Config, Value, from_parameters
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.payload import Payload
from ddpg_ros.safety.braking import Brake, Mass
from ddpg_ros.safety.carrier import Carrier, Gravity, within_limits
from ddpg_ros.safety.guard_faults import beyond, rejection
from ddpg_ros.safety.limits import Limits, make_limits
from ddpg_ros.safety.stages import (
    Bounds,
    braking_range,
    clamp,
    toward,
    within_power,
    within_rate,
)
from ddpg_ros.types import Vector

ROW = 3
"""Number of rejected vectors in a row that latches a fault."""

_Numbers = tuple[list[float], list[float], list[float]]  # torque, position, velocity; n each


class GuardCounts(NamedTuple):
    """Number of torque vectors that each stage changed."""

    rejected: int  # not finite, or of the wrong shape; no other stage counts such a vector
    torque: int  # clamped to the torque limit
    soft: int  # clamped by the soft position limits or the velocity limit
    power: int  # reduced to the power limit
    rate: int  # limited by the torque rate


class Guard:
    """Makes every torque finite, within the limits, and no faster than the rate.

    Its only memory is the torque sent last, the number of rejections in a row, its counts, and
    what carries the arm. It has six stages. For each joint, with the names of `Limits`, position
    q and velocity v: g is the torque that carries the arm's weight, 0 if the arm's driver adds it;
    r is g if this guard adds it, else 0. A request is on top of r.

    1. A torque, position or velocity that is not finite or not (n,) rejects the whole vector. The
       guard never clips such a vector: all torques move to r at torque_rate_safe. Three
       rejections in a row latch a fault.
    2. |τ| ≤ torque.
    3. τ_lo ≤ τ ≤ τ_hi, the soft limits:
       v_hi = clamp(−k_position (q − soft_upper), ±velocity),
       v_lo = clamp(−k_position (q − soft_lower), ±velocity),
       τ_hi = clamp(g − k_velocity (v − v_hi), ±torque),
       τ_lo = clamp(g − k_velocity (v − v_lo), ±torque).
       If k_velocity is NaN, the bounds follow from the arm's inertia, see `Brake.bounds`. At or
       beyond a hard limit τ − g does not point outwards. A position more than position_tolerance
       beyond it latches a fault.
    4. If τ v > power, τ = power / v. A torque that brakes is never limited.
    5. |Δτ| ≤ torque_rate · dt from the torque sent last, and up to torque_rate_safe · dt toward
       r and toward [τ_lo, τ_hi]: τ is between
       min(last − up, max(last − safe, min(r, τ_hi))) and
       max(last + up, min(last + safe, max(r, τ_lo))).
    6. |τ| ≤ torque again, because a limit that was lowered below the torque sent last takes
       precedence over the rate.

    Stage 5 counts at most 2T of the measured dt, T the control period, so that a torque cannot
    jump after a pause. dt has no lower bound, so that a burst of commands moves the torque no
    faster. `release` counts all of dt.

    A latched fault changes no torque; the caller decides what follows. The guard is not
    thread-safe.
    """

    def __init__(
        self,
        limits: Limits,
        period: float,
        mass: Mass | None = None,
        gravity: Gravity = "driver",
    ) -> None:
        """Start from zero torque.

        Args:
            limits: of the arm.
            period: the control period T [s].
            mass: the arm's inertia, which replaces gains that are NaN; None: nothing brakes, and
                the arm's weight is not known.
            gravity: who carries the arm, see `robot.gravity`.

        Raises:
            ConfigError: a period that does not suit the limits; see `Limits.check_period`.
        """
        limits.check_period(period)
        self._period, self._longest, self._mass = period, 2.0 * period, mass
        self.carrier = Carrier(mass, gravity, period, len(limits.joints))
        """What carries the arm's weight."""
        self._last = self.carrier.zeros
        self._set_limits(limits)
        self._placed = False  # whether the next torque begins from what holds the arm
        self._fault, self._row = "", 0
        self._rejected = self._by_torque = self._by_soft = self._by_power = self._by_rate = 0

    @classmethod
    def for_robot(
        cls, robot: Robot, period: float, settings: Mapping[str, Value] | None = None
    ) -> "Guard":
        """Build the guard of an arm from its URDF, for a controller of any kind.

        Args:
            robot: the arm.
            period: the control period [s], at which `apply` is called.
            settings: what the URDF does not say, or not well, by the names of the parameters:
                `{"robot.torque_limit": [2.0, 1.0], "safety.power_limit": [5.0, 5.0]}`.

        Raises:
            ConfigError: an unknown setting, or limits, gains or inertias that cannot be.
        """
        own = {"control.period": period, "sim.physics_timestep": period}
        return cls.of(robot, from_parameters({**own, **(settings or {})}, "Guard.for_robot"))

    @classmethod
    def of(cls, robot: Robot, config: Config) -> "Guard":
        """Build the guard of an arm from a whole configuration.

        Raises:
            ConfigError: limits, gains or inertias that cannot be.
        """
        mass = MassMatrix(robot, Payload.of(config.robot), config.sim.gravity)
        known = mass if mass.known.any() else None
        limits = make_limits(robot, config, known)
        return cls(limits, config.control.period, known, config.robot.gravity)

    def apply(
        self,
        torque: Vector,
        position: Vector,
        velocity: Vector,
        dt: float,
        authority: float = 1.0,
        whole: bool = False,
    ) -> Vector:
        """Return the torque to send and remember it as sent.

        Args:
            torque: requested, (n,) [N·m]; if this guard carries the arm, on top of that.
            position: measured, (n,) [rad].
            velocity: measured, (n,) [rad/s].
            dt: time since the last torque [s], by the monotonic clock.
            authority: share of the request that passes, in [0, 1].
            whole: whether the request is the motors' whole torque, with what carries the arm;
                `authority` is then the share of the difference to that.

        Returns:
            (n,) [N·m], a copy.
        """
        numbers = self._read(torque, position, velocity)
        if numbers is None:
            return self.release(dt)
        asked, angles, speeds = numbers
        weight = self._weigh(angles, speeds)
        if self.carrier.carries:
            carried = self.carrier.rest
            less = carried if whole else self.carrier.zeros
            rows = zip(asked, carried, less, strict=True)
            asked = [rest + authority * (one - own) for one, rest, own in rows]
        elif authority != 1.0:
            asked = [authority * one for one in asked]
        capped = within_limits(asked, self._joints)
        bounds = self._brake.bounds(capped, angles, speeds, weight)
        return self._shape(capped, bounds, angles, speeds, dt, capped != asked)

    def damp(self, position: Vector, velocity: Vector, dt: float) -> Vector:
        """Return a torque that stops the arm, within the same limits but the soft ones.

        For a fresh state while the policy may not act; see `Brake.stop`. No stage counts it.
        Arguments as in `apply`.
        """
        numbers = self._read(velocity, position, velocity)
        if numbers is None:
            return self.release(dt)
        _, angles, speeds = numbers
        self._weigh(angles, speeds)
        span = self._span(dt)
        up, safe = self._limits.torque_rate * span, self._limits.torque_rate_safe * span
        rows = zip(self._joints, angles, speeds, self._last, self.carrier.rest, strict=True)
        ranges = [braking_range(*row, up, safe) for row in rows]
        self._last = self._brake.stop(angles, speeds, ranges, span, self.carrier.rest)
        assert all(map(math.isfinite, self._last)), f"{self._last} N·m to stop {speeds} rad/s"
        for joint, angle in zip(self._joints, angles, strict=True):
            self._fault = self._fault or beyond(joint, angle)
        return np.array(self._last)

    def release(self, dt: float, position: Vector | None = None) -> Vector:
        """Return the last torque moved toward rest at torque_rate_safe; it needs no state.

        Rest is zero or, if this guard carries the arm, what holds it at the newest position known.
        The guard does not count it, neither as changed nor as rejected. After a pause the torque
        is closer to rest, as all of dt counts.

        Args:
            dt: time since the last torque [s].
            position: measured now, (n,) [rad]; None if there is none.

        Returns:
            (n,) [N·m], remembered as sent.
        """
        if position is not None:
            numbers = self._read(position, position, position)
            if numbers is not None:
                self._weigh(numbers[1], self.carrier.zeros)
        step = self._limits.torque_rate_safe * max(0.0, dt)  # max in this order turns NaN into 0
        sent = zip(self._joints, self._last, self.carrier.rest, strict=True)
        self._last = [
            clamp(toward(rest, last, step), -joint.torque, joint.torque)
            for joint, last, rest in sent
        ]
        return np.array(self._last)

    def reset(self) -> None:
        """Begin the next torque from what holds the arm where it then is, or from zero.

        For an arm that is placed for a new episode; fault and counts stay.
        """
        self._last = self.carrier.zeros
        self.carrier.reset()
        self._placed = True

    @property
    def carried(self) -> Vector:
        """The torque that holds the arm at the newest position known, (n,) [N·m], a copy.

        Zero if another than this guard carries the arm.
        """
        return np.array(self.carrier.rest)

    @property
    def rests(self) -> bool:
        """Whether the torque sent last is zero or, if this guard carries the arm, holds it."""
        return self._last == self.carrier.rest

    def carrying(self, position: Vector, velocity: Vector) -> Vector:
        """Return what `apply` adds to a request at a state, (n,) [N·m]; 0 if another carries it.

        Args:
            position: (n,) [rad].
            velocity: (n,) [rad/s].
        """
        return self.carrier.added(position, velocity, self._joints)

    def _weigh(self, angles: list[float], speeds: list[float]) -> list[float]:
        """Return what carries the arm; an arm that was placed begins with it. See `Carrier`."""
        weight = self.carrier.weigh(angles, speeds, self._joints)
        if self._placed and self.carrier.carries and weight is not self.carrier.zeros:
            self._last, self._placed = weight, False
        return weight

    @property
    def fault(self) -> str:
        """The message of the latched fault; empty if there is none."""
        return self._fault

    def clear_fault(self) -> None:
        """Clear the fault and the row of rejections; a cause that persists latches again."""
        self._fault, self._row = "", 0

    @property
    def last(self) -> Vector:
        """The torque sent last, (n,) [N·m], a copy."""
        return np.array(self._last)

    @property
    def counts(self) -> GuardCounts:
        """Number of vectors that each stage changed since the start."""
        return GuardCounts(
            self._rejected, self._by_torque, self._by_soft, self._by_power, self._by_rate
        )

    @property
    def brake_rate(self) -> float:
        """β [1/s], the rate at which a stop reduces every velocity; 0 if no inertia is known."""
        return 0.0 if self._mass is None else self._brake.rate

    @property
    def unbraked(self) -> list[str]:
        """Joints that a stop does not brake, having neither a known inertia nor a damping."""
        known = [False] * len(self._joints) if self._mass is None else self._mass.known.tolist()
        return [
            joint.name
            for joint, moves in zip(self._joints, known, strict=True)
            if not moves and math.isnan(joint.damping)
        ]

    @property
    def drive_at_rest(self) -> list[float]:
        """Largest torque that may drive each joint at rest [N·m]; see `Brake.drive_at_rest`."""
        return self._brake.drive_at_rest

    @property
    def stop_seconds(self) -> float:
        """Duration of a stop [s]; see `Brake.seconds`."""
        return self._brake.seconds

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self._limits

    def lower_torque_limit(self, limit: Vector) -> None:
        """Lower all torque limits, or none; see `Limits.lowered`.

        Args:
            limit: (n,) [N·m].

        Raises:
            ConfigError: another length, or a limit that is not lower.
        """
        self._set_limits(self._limits.lowered(limit))

    def _set_limits(self, limits: Limits) -> None:
        self._limits, self._joints = limits, limits.by_joint()
        self.carrier.rest = within_limits(self.carrier.rest, self._joints)
        rate, mass = limits.torque_rate_safe, self._mass
        self._brake = Brake(self._joints, self._period, rate, mass, self.carrier.carries)

    def _span(self, dt: float) -> float:
        return min(max(0.0, dt), self._longest)  # max in this order turns NaN into 0

    def _read(self, torque: Vector, position: Vector, velocity: Vector) -> _Numbers | None:
        """Stage 1: return the vectors as finite numbers, or None if they are rejected."""
        asked, angles, speeds = (
            np.asarray(vector, dtype=np.float64) for vector in (torque, position, velocity)
        )
        if asked.shape == angles.shape == speeds.shape == (len(self._joints),):
            numbers = asked.tolist(), angles.tolist(), speeds.tolist()
            if all(map(math.isfinite, numbers[0] + numbers[1] + numbers[2])):
                self._row = 0
                return numbers
        self._rejected += 1
        self._row += 1
        if self._row >= ROW:
            self._fault = self._fault or rejection(self._limits.joints, asked, angles, speeds)
        return None

    def _shape(
        self,
        capped: list[float],
        limits: list[Bounds],
        angles: list[float],
        speeds: list[float],
        dt: float,
        by_torque: bool,
    ) -> Vector:
        """Apply stages 3 to 6; `by_torque` says whether stage 2 has changed a torque."""
        span = self._span(dt)
        up, safe = self._limits.torque_rate * span, self._limits.torque_rate_safe * span
        by_soft = by_power = by_rate = False
        sent = []
        columns = self._joints, capped, limits, angles, speeds, self._last, self.carrier.rest
        for joint, wanted, bounds, angle, speed, last, rest in zip(*columns, strict=True):
            kept = clamp(wanted, bounds.low, bounds.high)
            driven = within_power(kept, speed, joint.power)
            slow = within_rate(driven, last, bounds, up, safe, rest)
            torque = clamp(slow, -joint.torque, joint.torque)
            assert math.isfinite(torque), (
                f"{torque} N·m for joint {joint.name}, asked for {wanted}"
            )
            by_soft |= kept != wanted
            by_power |= driven != kept
            by_rate |= slow != driven
            by_torque |= torque != slow
            sent.append(torque)
            self._fault = self._fault or beyond(joint, angle)
        self._by_torque += by_torque
        self._by_soft += by_soft
        self._by_power += by_power
        self._by_rate += by_rate
        self._last = sent
        return np.array(sent)
