"""How strongly a sampled torque may brake an arm of known inertia.

A torque −k v is computed from a measured velocity, acts after a delay of one period T and is held
for a period. A joint of inertia I then has the velocity v[i+1] = v[i] − a v[i−1] with a = T k / I.
From a = 1 on the torque adds energy instead of removing it. Up to `SHARE` no velocity overshoots
zero, and even a torque that is held for three periods removes energy.

For an arm, a is the largest eigenvalue of T M(q)⁻¹ K. M is the URDF's mass matrix. If the real
arm is heavier, or its rotors have inertia, a is smaller.
"""

import math
import operator
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.safety.joint_limits import JointLimits
from ddpg_ros.safety.stages import (
    Bounds,
    allowed_speeds,
    clamp,
    drive_bounds,
    not_outward,
    soft_bounds,
)
from ddpg_ros.types import Vector

SHARE = 0.25
"""The share a of the arm's velocity that a braking torque removes in one control period."""


TURN = 0.1
"""How far a joint may turn in a control period while the arm brakes at its full rate [rad]."""

FAR = 4
"""Exponent by which a joint may be driven harder, the farther it is from its soft limits."""

_SWEEPS = 12  # over all joints, for the torque of a stop; the rest comes with the next state
_CLOSE = 1e-3  # of the slowing: no need to come closer
_FASTEST = 1e9  # [rad/s] velocities are clamped to this, as products of larger ones overflow


class Mass(Protocol):
    """The inertia of an arm, such as `ddpg_ros.robot.dynamics.MassMatrix`."""

    known: NDArray[np.bool_]
    """Whether each joint moves a mass that is known, (n,)."""
    heaviest: Vector
    """Largest inertia that each joint moves while the others are held, (n,) [kg·m²]."""

    def at(self, position: Vector) -> NDArray[np.float64]:
        """Return the mass matrix, (n, n) [kg·m²], of a position (n,) [rad]."""

    def lightest(self, damped_for: float = 0.0) -> Vector:
        """Return the smallest inertia that each joint moves at any position, (n,) [kg·m²]."""

    heaviest_weight: Vector
    """Largest |g(q)| of each joint at any position, (n,) [N·m]."""

    def weight(self, position: Vector) -> Vector:
        """Return g(q), the torque that carries the arm's weight, (n,) [N·m]."""

    def fall_rate(self) -> float:
        """Return the largest rate at which the arm falls away from a position [1/s]."""

    def inverse(self, position: Vector, damped_for: float = 0.0) -> NDArray[np.float64]:
        """Return the inverse mass matrix, (n, n) [1/(kg·m²)]; 0 for a joint without known mass.

        Args:
            position: (n,) [rad].
            damped_for: the time for which the joints' own damping adds to the inertia [s].
        """


class Brake:
    """Torques that stop the arm, and the bounds of the soft limits, by the arm's inertia."""

    def __init__(
        self,
        joints: Sequence[JointLimits],
        period: float,
        rate_safe: float,
        mass: Mass | None,
        carries: bool = False,
    ) -> None:
        """Compute the braking rate.

        Args:
            joints: the limits of n joints; gains that are NaN follow from the inertia.
            period: the control period T [s].
            rate_safe: torque_rate_safe [N·m/s].
            mass: the arm's inertia; None if it is unknown, so that nothing brakes.
            carries: whether the arm's weight takes its share of the torque limits.
        """
        self._joints, self._mass, self._period = joints, mass, period
        self._carries = carries
        strongest = max(joint.torque for joint in joints)
        # The torque −β M v decays at the rate β, and a torque may decay at torque_rate_safe.
        self.rate = min(SHARE / period, rate_safe / strongest)
        """β [1/s], the rate at which braking reduces a velocity."""

    @property
    def seconds(self) -> float:
        """Time in which a stop reduces the speed to a twentieth [s]; infinite without inertia.

        It is the worst case, in which one joint is at its torque limit, with what its weight
        leaves of that; infinite if the weight may need all of it.
        """
        if self._mass is None:
            return math.inf
        weight = (
            self._mass.heaviest_weight if self._carries else 0.0 * self._mass.heaviest
        ).tolist()
        by_torque = 0.0
        rows = zip(self._joints, self._mass.heaviest.tolist(), weight, strict=True)
        for joint, load, carried in rows:
            left = joint.torque - carried
            if left <= 0.0:
                return math.inf
            by_torque = max(by_torque, load * joint.velocity / left)
        by_turn = 0.0
        if len(self._joints) > 1:
            fastest = max(joint.velocity for joint in self._joints)
            by_turn = max(0.0, self._period * fastest / TURN - 1.0) / self.rate
        return 3.0 / self.rate + by_torque + by_turn

    @property
    def drive_at_rest(self) -> list[float]:
        """Largest torque that may drive each joint at rest, far from its soft limits [N·m].

        It is below the torque limit if that would exceed the velocity limit within one period.
        """
        if self._mass is None:
            return [joint.torque for joint in self._joints]
        least = self._mass.lightest(self._period).tolist()
        return [
            min(joint.torque, inertia * joint.velocity / self._period or math.inf)
            if math.isnan(joint.k_velocity)
            else min(joint.torque, joint.k_velocity * joint.velocity)
            for joint, inertia in zip(self._joints, least, strict=True)
        ]

    def stop(
        self,
        angles: Sequence[float],
        speeds: Sequence[float],
        ranges: Sequence[Bounds],
        dt: float,
        rest: Sequence[float],
    ) -> list[float]:
        """Return the torque that stops all joints, n numbers [N·m], each within its range.

        r − β M(q) v, in which r holds the arm or is 0, makes the velocity of every joint smaller
        by the same share. If a range is in the way, it is the torque closest to that in the norm
        of M⁻¹, found by `_closest` on top of r: a clamp of each joint by itself could drive one
        joint with what was to brake another. Soft limits have no part in it: they could drive the
        arm, and a joint that they let come this close stops in time. If the arm turns by more than
        `TURN` in a period, β is smaller in proportion: M(q) is then another one before the torque
        has acted. A joint's own `damping`, if it is given, brakes that joint alone.

        Args:
            angles: n positions [rad].
            speeds: n velocities [rad/s].
            ranges: between which torques the other limits leave each joint.
            dt: time since the torque before [s]; counts if it is longer than a period.
            rest: r, what carries the arm if that is ours to carry, else 0; n numbers [N·m].
        """
        if not math.isnan(self._joints[0].damping):
            columns = zip(self._joints, speeds, ranges, rest, strict=True)
            return [clamp(r - one.damping * v, low, high) for one, v, (low, high), r in columns]
        if self._mass is None:
            return [clamp(r, low, high) for (low, high), r in zip(ranges, rest, strict=True)]
        position = np.array(angles)
        velocity = np.clip(speeds, -_FASTEST, _FASTEST)
        rate = self.rate
        if len(angles) > 1:
            turn = max(self._period, dt) * float(np.abs(velocity).max())
            rate *= min(1.0, TURN / max(turn, TURN))
        wanted: list[float] = (-rate * (self._mass.at(position) @ velocity)).tolist()
        sums = [torque + r for torque, r in zip(wanted, rest, strict=True)]
        if all(low <= torque <= high for torque, (low, high) in zip(sums, ranges, strict=True)):
            return sums
        slowing = (rate * velocity).tolist()
        on_top = [Bounds(low - r, high - r) for (low, high), r in zip(ranges, rest, strict=True)]
        found = _closest(self._mass.inverse(position).tolist(), slowing, wanted, on_top)
        rows = zip(found, rest, ranges, strict=True)
        return [clamp(torque + r, low, high) for torque, r, (low, high) in rows]

    def bounds(
        self,
        asked: Sequence[float],
        angles: Sequence[float],
        speeds: Sequence[float],
        weight: Sequence[float],
    ) -> list[Bounds]:
        """Return the bounds of the soft position limits and the velocity limits.

        They lie around the torque that carries the arm; what follows is on top of that.

        A joint whose gain is given is bounded by that alone. Another one that is slower than
        allowed may be driven with up to 2 torque / velocity of the difference, and such that, with
        the file's damping, it alone gains all of it in one period where only the velocity limit
        holds it back, and `SHARE` of it at a soft limit. Joints that are faster are braked
        together: by the torques with which their excess falls at the rate β,
        given what the other joints are asked for. No such torque drives a joint.

        Args:
            asked: n torques [N·m] within the torque limits.
            angles: n positions [rad].
            speeds: n velocities [rad/s].
            weight: n torques that carry the arm [N·m], within the torque limits; 0 if another
                adds them.
        """
        position = np.array(angles)
        gives = self._gives(position)
        bounds: list[Bounds] = []
        fast: dict[int, float] = {}
        rows = zip(self._joints, angles, speeds, gives, weight, strict=True)
        for index, (joint, angle, speed, give, carries) in enumerate(rows):
            if not math.isnan(joint.k_velocity):
                bounds.append(soft_bounds(joint, angle, speed, joint.k_velocity, carries))
                continue
            slowest, fastest = allowed_speeds(joint, angle)
            gain = 2.0 * joint.torque / joint.velocity
            if not give:
                drive = gain * (slowest - speed), gain * (fastest - speed)
                bounds.append(drive_bounds(joint, angle, *drive, carries))
                continue
            speed = clamp(speed, -_FASTEST, _FASTEST)
            if speed < slowest:
                fast[index] = speed - slowest
            elif speed > fastest:
                fast[index] = speed - fastest
            low = min(gain, _share(-slowest / joint.velocity) / give) * (slowest - speed)
            high = min(gain, _share(fastest / joint.velocity) / give) * (fastest - speed)
            bounds.append(drive_bounds(joint, angle, low, high, carries))
        if fast:
            self._brake_together(position, asked, fast, bounds, weight)
        return bounds

    def _gives(self, position: Vector) -> list[float]:
        """Return what a torque of 1 N·m, held for T, adds to each joint's velocity, (n,) [rad/s].

        The other joints are free. Zero for a joint that moves no known mass.
        """
        if self._mass is None:
            return [0.0] * len(self._joints)
        softened = self._mass.inverse(position, self._period).diagonal().tolist()
        return [self._period * give for give in softened]

    def _brake_together(
        self,
        position: Vector,
        asked: Sequence[float],
        fast: dict[int, float],
        bounds: list[Bounds],
        weight: Sequence[float],
    ) -> None:
        """Replace the bounds of the joints that are too fast by bounds that brake.

        M⁻¹ (τ − g) = −β (v − v_allowed) for these joints, given τ of the others.
        """
        assert self._mass is not None
        inverse = self._mass.inverse(position).tolist()
        kept = [
            (index, clamp(asked[index], *bound) - weight[index])
            for index, bound in enumerate(bounds)
            if index not in fast
        ]
        wanted = [
            -self.rate * excess - sum(inverse[index][other] * torque for other, torque in kept)
            for index, excess in fast.items()
        ]
        torques = _solve([[inverse[row][column] for column in fast] for row in fast], wanted)
        for (index, excess), torque in zip(fast.items(), torques, strict=True):
            joint, (low, high), carries = self._joints[index], bounds[index], weight[index]
            most = joint.torque
            if excess > 0.0:
                high = clamp(carries + min(torque, 0.0), -most, most)
                both = Bounds(min(low, high), high)
            else:
                low = clamp(carries + max(torque, 0.0), -most, most)
                both = Bounds(low, max(low, high))
            bounds[index] = not_outward(joint, position[index], both, carries)


def _share(near: float) -> float:
    """Return the share of a missing velocity that a joint may gain in a period.

    Args:
        near: the velocity that is allowed over the velocity limit: 1 away from the soft limit,
            0 at it, and below 0 beyond it.
    """
    if near == 1.0:
        return 1.0
    return SHARE + (1.0 - SHARE) * max(0.0, near) ** FAR


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Return the solution of a system of linear equations; most often there is one."""
    if len(right) == 1:
        return [right[0] / matrix[0][0]]
    found: list[float] = np.linalg.solve(matrix, right).tolist()
    return found


def _closest(
    inverse: list[list[float]],
    slowing: list[float],
    wanted: list[float],
    ranges: Sequence[Bounds],
) -> list[float]:
    """Return the torque within the ranges that is closest to `wanted` in the norm of M⁻¹.

    It minimises f(τ) = ½ τᵀ M⁻¹ τ + β vᵀ τ, one joint after the other, from the largest share of
    `wanted` that fits. f(0) is 0 and no step makes f larger, so if zero torque lies within
    the ranges, β vᵀ τ ≤ −½ τᵀ M⁻¹ τ: after any number of steps, τ takes energy out of the arm.

    Args:
        inverse: M⁻¹, n rows; zero for joints that move no known mass.
        slowing: β v, n numbers [rad/s²].
        wanted: −β M v, n numbers [N·m].
        ranges: n of them.
    """
    share = 1.0
    for torque, (low, high) in zip(wanted, ranges, strict=True):
        end = high if torque > 0.0 else low
        if abs(torque) > abs(end) or torque * end < 0.0:
            share = min(share, max(0.0, end / torque))
    found = [clamp(share * one, *ends) for one, ends in zip(wanted, ranges, strict=True)]
    for _ in range(_SWEEPS):
        moved = 0.0
        for index, (row, slow, (low, high)) in enumerate(
            zip(inverse, slowing, ranges, strict=True)
        ):
            if row[index] <= 0.0:
                continue
            uphill = slow + sum(map(operator.mul, row, found))
            better = clamp(found[index] - uphill / row[index], low, high)
            moved = max(moved, abs(better - found[index]) * row[index])
            found[index] = better
        if moved <= _CLOSE * max(map(abs, slowing)):
            break
    return found
