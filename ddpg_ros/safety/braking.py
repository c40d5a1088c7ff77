"""How strongly a sampled torque may brake an arm of known inertia.

A torque −k v is computed from a measured velocity, acts after a delay of one period T and is held
for a period. A joint of inertia I then has the velocity v[i+1] = v[i] − a v[i−1] with a = T k / I.
From a = 1 on the torque adds energy instead of removing it. Up to `SHARE` no velocity overshoots
zero, and even a torque that is held for three periods removes energy.

For an arm, a is the largest eigenvalue of T M(q)⁻¹ K. M is the URDF's mass matrix. If the real
arm is heavier, or its rotors have inertia, a is smaller.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.safety.joint_limits import JointLimits
from ddpg_ros.safety.stages import (
    Bounds,
    allowed_speeds,
    clamp,
    is_outward,
    not_outward,
    soft_bounds,
)
from ddpg_ros.types import Vector

SHARE = 0.25
"""The share a of the arm's velocity that a braking torque removes in one control period."""


FAR = 4
"""Exponent by which a joint may be driven harder, the farther it is from its soft limits."""

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

    def inverse(self, position: Vector, damped_for: float = 0.0) -> NDArray[np.float64]:
        """Return the inverse mass matrix, (n, n) [1/(kg·m²)]; 0 for a joint without known mass.

        Args:
            position: (n,) [rad].
            damped_for: the time for which the joints' own damping adds to the inertia [s].
        """


class Brake:
    """Torques that stop the arm, and the bounds of the soft limits, by the arm's inertia."""

    def __init__(
        self, joints: Sequence[JointLimits], period: float, rate_safe: float, mass: Mass | None
    ) -> None:
        """Compute the braking rate.

        Args:
            joints: the limits of n joints; gains that are NaN follow from the inertia.
            period: the control period T [s].
            rate_safe: torque_rate_safe [N·m/s].
            mass: the arm's inertia; None if it is unknown, so that nothing brakes.
        """
        self._joints, self._mass, self._period = joints, mass, period
        strongest = max(joint.torque for joint in joints)
        # The torque −β M v decays at the rate β, and a torque may decay at torque_rate_safe.
        self.rate = min(SHARE / period, rate_safe / strongest)
        """β [1/s], the rate at which braking reduces a velocity."""

    @property
    def seconds(self) -> float:
        """Time in which a stop reduces the speed to a twentieth [s]; infinite without inertia.

        It is the worst case, in which one joint is at its torque limit.
        """
        if self._mass is None:
            return math.inf
        pairs = zip(self._joints, self._mass.heaviest.tolist(), strict=True)
        by_torque: float = max(load * joint.velocity / joint.torque for joint, load in pairs)
        return 3.0 / self.rate + by_torque

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

    def stop(self, angles: Sequence[float], speeds: Sequence[float]) -> list[float]:
        """Return the torque that stops all joints, n numbers [N·m].

        −β M(q) v, which makes the velocity of every joint smaller by the same share. If a joint's
        torque limit is in the way, that torque counts by the share that fits, and the rest is
        braking of each joint by itself: the sum takes off no more than −β M(q) v. A joint's own
        `damping`, if it is given, brakes that joint alone. Soft limits have no part in it: they
        could drive the arm, and a joint that they let come this close stops in time.
        """
        if not math.isnan(self._joints[0].damping):
            return [-joint.damping * v for joint, v in zip(self._joints, speeds, strict=True)]
        if self._mass is None:
            return [0.0] * len(speeds)
        position = np.array(angles)
        velocity = np.clip(speeds, -_FASTEST, _FASTEST)
        momentum: list[float] = (self._mass.at(position) @ velocity).tolist()
        wanted = [-self.rate * share for share in momentum]
        over = max(
            math.inf if is_outward(joint, angle, torque) else abs(torque) / joint.torque
            for joint, angle, torque in zip(self._joints, angles, wanted, strict=True)
        )
        if over <= 1.0:
            return wanted
        gains = self._gains(self._mass.inverse(position))
        rest = 1.0 - 1.0 / over
        return [
            torque / over - rest * gain * speed
            for torque, gain, speed in zip(wanted, gains, speeds, strict=True)
        ]

    def _gains(self, inverse: NDArray[np.float64]) -> list[float]:
        """Return gains K, (n,) [N·m·s/rad], such that no row of |M⁻¹| K sums up to more than β.

        Then no eigenvalue of M⁻¹ K is above β either.
        """
        gives = inverse.diagonal()
        gains = np.divide(1.0, gives, out=np.zeros_like(gives), where=gives > 0.0)
        gains *= self.rate / (np.abs(inverse) @ gains).max(initial=1.0)
        found: list[float] = gains.tolist()
        return found

    def bounds(
        self,
        asked: Sequence[float],
        angles: Sequence[float],
        speeds: Sequence[float],
    ) -> list[Bounds]:
        """Return the bounds of the soft position limits and the velocity limits.

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
        """
        gives = [0.0] * len(angles)
        if self._mass is not None:
            softened = self._mass.inverse(np.array(angles), self._period)
            gives = (self._period * softened.diagonal()).tolist()
        bounds: list[Bounds] = []
        fast: dict[int, float] = {}
        for index, (joint, angle, speed) in enumerate(
            zip(self._joints, angles, speeds, strict=True)
        ):
            if not math.isnan(joint.k_velocity):
                gain = joint.k_velocity
                bounds.append(soft_bounds(joint, angle, speed, gain, gain))
                continue
            slowest, fastest = allowed_speeds(joint, angle)
            drives = [2.0 * joint.torque / joint.velocity] * 2
            if gives[index]:
                for side, allowed in enumerate((-slowest, fastest)):
                    near = max(0.0, allowed) / joint.velocity
                    share = SHARE + (1.0 - SHARE) * near**FAR
                    drives[side] = min(drives[side], share / gives[index])
                speed = clamp(speed, -_FASTEST, _FASTEST)
                excess = speed - clamp(speed, slowest, fastest)
                if excess:
                    fast[index] = excess
            bounds.append(
                Bounds(
                    soft_bounds(joint, angle, speed, drives[0], 0.0).low,
                    soft_bounds(joint, angle, speed, drives[1], 0.0).high,
                )
            )
        if fast:
            self._brake_together(angles, asked, fast, bounds)
        return bounds

    def _brake_together(
        self,
        angles: Sequence[float],
        asked: Sequence[float],
        fast: dict[int, float],
        bounds: list[Bounds],
    ) -> None:
        """Put bounds that brake in the place of those of the joints that are too fast.

        M⁻¹ τ = −β (v − v_allowed) for these joints, whose other side is τ of the others.
        """
        assert self._mass is not None
        inverse = self._mass.inverse(np.array(angles))
        indices = list(fast)
        others = [index for index in range(len(angles)) if index not in fast]
        kept = [clamp(asked[index], *bounds[index]) for index in others]
        pushed = inverse[np.ix_(indices, others)] @ np.array(kept)
        wanted = -self.rate * np.array(list(fast.values())) - pushed
        torques = np.linalg.solve(inverse[np.ix_(indices, indices)], wanted).tolist()
        for index, torque in zip(indices, torques, strict=True):
            most, (low, high) = self._joints[index].torque, bounds[index]
            if fast[index] > 0.0:
                high = clamp(torque, -most, 0.0)
                both = Bounds(min(low, high), high)
            else:
                low = clamp(torque, 0.0, most)
                both = Bounds(low, max(low, high))
            bounds[index] = not_outward(self._joints[index], angles[index], both)
