"""The torque guard between the policy, whose output is untrusted, and the motors."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from ddpg_ros.config.settings import Config, Value, from_parameters
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.payload import Payload
from ddpg_ros.safety.braking import Brake, Mass
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

LARGEST_LEAD = 0.2
"""How far ahead of a joint's position its weight is taken, at most [rad]."""

Gravity = Literal["driver", "model", "none"]
"""Who adds the torque g(q) that carries an arm's weight: see `robot.gravity`."""

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
        self.weighs: bool = gravity != "driver" and mass is not None
        """Whether the torques that go out have to carry the arm's weight, if anything does."""
        self.carries: bool = gravity == "model" and mass is not None
        """Whether the torques that go out carry the arm: `robot.gravity` is `model`."""
        self._last = [0.0] * len(limits.joints)
        self._rest = [0.0] * len(limits.joints)
        self._zeros = [0.0] * len(limits.joints)
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
        if self.carries:
            less = self._rest if whole else self._zeros
            rows = zip(asked, self._rest, less, strict=True)
            asked = [rest + authority * (one - own) for one, rest, own in rows]
        elif authority != 1.0:
            asked = [authority * one for one in asked]
        capped = self._capped(asked)
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
        rows = zip(self._joints, angles, speeds, self._last, self._rest, strict=True)
        ranges = [braking_range(*row, up, safe) for row in rows]
        self._last = self._brake.stop(angles, speeds, ranges, span, self._rest)
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
                self._weigh(numbers[1], self._zeros)
        step = self._limits.torque_rate_safe * max(0.0, dt)  # max in this order turns NaN into 0
        sent = zip(self._joints, self._last, self._rest, strict=True)
        self._last = [
            clamp(toward(rest, last, step), -joint.torque, joint.torque)
            for joint, last, rest in sent
        ]
        return np.array(self._last)

    def reset(self) -> None:
        """Begin the next torque from what holds the arm where it then is, or from zero.

        For an arm that is placed for a new episode; fault and counts stay.
        """
        self._last = [0.0] * len(self._joints)
        self._rest = [0.0] * len(self._joints)
        self._placed = True

    @property
    def carried(self) -> Vector:
        """The torque that holds the arm at the newest position known, (n,) [N·m], a copy.

        Zero if another than this guard carries the arm.
        """
        return np.array(self._rest)

    @property
    def rests(self) -> bool:
        """Whether the torque sent last is zero or, if this guard carries the arm, holds it."""
        return self._last == self._rest

    def carrying(self, position: Vector, velocity: Vector) -> Vector:
        """Return what `apply` adds to a request at a state, (n,) [N·m]; 0 if another carries it.

        Args:
            position: (n,) [rad].
            velocity: (n,) [rad/s].
        """
        weight = self._weight_ahead(position.tolist(), velocity.tolist()) if self.carries else []
        return np.array(weight or self._zeros)

    def _weight_ahead(self, angles: list[float], speeds: list[float]) -> list[float]:
        """Return g(q + T v) within the torque limits, n [N·m]; nothing if it is not finite."""
        assert self._mass is not None
        ahead = [
            angle + clamp(self._period * speed, -LARGEST_LEAD, LARGEST_LEAD)
            for angle, speed in zip(angles, speeds, strict=True)
        ]
        heavy: list[float] = self._mass.weight(np.array(ahead)).tolist()
        if not all(map(math.isfinite, heavy)):  # of absurd positions
            return []
        return self._capped(heavy)

    def _weigh(self, angles: list[float], speeds: list[float]) -> list[float]:
        """Return the torques that carry the arm's weight, within the limits; 0 for a driver's.

        They are those of the position in one period: a torque acts about then. The weight of a
        position that is past makes short links fall faster at long periods. If this guard carries
        the arm, they are from now on what is sent without a policy.
        """
        weight = self._weight_ahead(angles, speeds) if self.weighs else []
        if not weight:
            return self._rest
        if self.carries:
            self._rest = weight
            if self._placed:
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

    def weight(self, position: Vector) -> Vector:
        """Return g(q), what carries the arm and its payload, (n,) [N·m]; 0 if it is not known.

        Args:
            position: (n,) [rad].
        """
        return 0.0 * position if self._mass is None else self._mass.weight(position)

    @property
    def heaviest_weight(self) -> Vector:
        """Largest |g(q)| of each joint at any position, (n,) [N·m]; 0 if it is not known."""
        return np.zeros(len(self._last)) if self._mass is None else self._mass.heaviest_weight

    @property
    def fall_share(self) -> float:
        """T λ, with λ the largest rate at which the arm falls away from a position [1/s]."""
        return 0.0 if self._mass is None else self._period * self._mass.fall_rate()

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
        self._rest = self._capped(self._rest)
        rate, mass = limits.torque_rate_safe, self._mass
        self._brake = Brake(self._joints, self._period, rate, mass, self.carries)

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

    def _capped(self, asked: list[float]) -> list[float]:
        """Stage 2: return the torques clamped to the torque limits."""
        return [
            clamp(torque, -joint.torque, joint.torque)
            for joint, torque in zip(self._joints, asked, strict=True)
        ]

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
        columns = self._joints, capped, limits, angles, speeds, self._last, self._rest
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
