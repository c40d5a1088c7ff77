"""What carries the arm's weight, in the torques that go out."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ddpg_ros.safety.braking import Mass
from ddpg_ros.safety.joint_limits import JointLimits
from ddpg_ros.safety.stages import clamp
from ddpg_ros.types import Vector

LARGEST_LEAD = 0.2
"""How far ahead of a joint's position its weight is taken, at most [rad]."""

Gravity = Literal["driver", "model", "none"]
"""Who adds the torque g(q) that carries an arm's weight: see `robot.gravity`."""


class Carrier:
    """Knows the arm's weight, who carries it, and the torque that does so now."""

    def __init__(self, mass: Mass | None, gravity: Gravity, period: float, count: int) -> None:
        """Begin with a torque of zero.

        Args:
            mass: the arm's inertia and weight; None if neither is known.
            gravity: who carries the arm.
            period: the control period T [s].
            count: number of joints.
        """
        self._mass, self._period = mass, period
        self.weighs: bool = gravity != "driver" and mass is not None
        """Whether the torques that go out have to carry the arm's weight, if anything does."""
        self.carries: bool = gravity == "model" and mass is not None
        """Whether the torques that go out carry the arm: `robot.gravity` is `model`."""
        self.zeros = [0.0] * count
        self.rest = self.zeros
        """r, what holds the arm without a policy, n numbers [N·m]; 0 if another carries it."""

    def reset(self) -> None:
        """Forget what held the arm where it was."""
        self.rest = self.zeros

    def weigh(
        self, angles: Sequence[float], speeds: Sequence[float], joints: Sequence[JointLimits]
    ) -> list[float]:
        """Return g(q + T v) within the torque limits, n [N·m]; 0 if the arm's driver adds it.

        It is the weight at the position in one period, about when a torque acts. The weight of a
        position that is past makes short links fall faster at long periods. If this node carries
        the arm, it is the new `rest`. Of an absurd position, whose weight is no number, the last
        one is returned.

        Args:
            angles: n positions [rad].
            speeds: n velocities [rad/s].
            joints: the limits of the n joints.
        """
        weight = self._ahead(angles, speeds) if self.weighs else []
        if not weight:
            return self.rest
        weight = within_limits(weight, joints)
        if self.carries:
            self.rest = weight
        return weight

    def added(self, position: Vector, velocity: Vector, joints: Sequence[JointLimits]) -> Vector:
        """Return what is added to a request at a state, (n,) [N·m]; 0 if another carries the arm.

        Args:
            position: (n,) [rad].
            velocity: (n,) [rad/s].
            joints: the limits of the n joints.
        """
        ahead = self._ahead(position.tolist(), velocity.tolist()) if self.carries else []
        return np.array(within_limits(ahead, joints) if ahead else self.zeros)

    def _ahead(self, angles: Sequence[float], speeds: Sequence[float]) -> list[float]:
        """Return g(q + T v), n [N·m]; nothing if it is not finite."""
        assert self._mass is not None
        lead = [clamp(self._period * speed, -LARGEST_LEAD, LARGEST_LEAD) for speed in speeds]
        position = [angle + ahead for angle, ahead in zip(angles, lead, strict=True)]
        heavy: list[float] = self._mass.weight(np.array(position)).tolist()
        return heavy if all(map(math.isfinite, heavy)) else []

    def weight(self, position: Vector) -> Vector:
        """Return g(q), what carries the arm and its payload, (n,) [N·m]; 0 if it is not known.

        Args:
            position: (n,) [rad].
        """
        return 0.0 * position if self._mass is None else self._mass.weight(position)

    @property
    def heaviest_weight(self) -> Vector:
        """Largest |g(q)| of each joint at any position, (n,) [N·m]; 0 if it is not known."""
        return np.array(self.zeros) if self._mass is None else self._mass.heaviest_weight

    @property
    def fall_share(self) -> float:
        """T λ, with λ the largest rate at which the arm falls away from a position [1/s]."""
        return 0.0 if self._mass is None else self._period * self._mass.fall_rate()


def within_limits(torques: Sequence[float], joints: Sequence[JointLimits]) -> list[float]:
    """Return torques clamped to the torque limits of the joints [N·m]."""
    return [
        clamp(torque, -joint.torque, joint.torque)
        for joint, torque in zip(joints, torques, strict=True)
    ]
