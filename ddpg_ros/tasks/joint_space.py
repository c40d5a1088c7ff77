"""Joint positions as the tasks see them: which turn freely, how far apart two are, ranges."""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.types import Vector, Vector32

TURN = 2.0 * math.pi

TERMS = ("error", "near", "velocity", "torque")
"""Of `JointSpace.reward`, in this order."""


class Weights(Protocol):
    """What the terms of the reward weigh, as the settings of a task have it."""

    @property
    def near_weight(self) -> float:
        """Of nearness."""

    @property
    def velocity_weight(self) -> float:
        """Of the velocity."""

    @property
    def torque_weight(self) -> float:
        """Of the torque."""


_COARSE = 1.0  # [rad], [m] a smaller tolerance suits joints that hardly move
_LEAST_WIND = 0.1  # [rad] by which a range exceeds a turn; limits of ±π are written as ±3.15, too


class JointSpace:
    """The positions of an arm's n joints.

    A joint without limits turns freely: positions a full turn apart are one. A joint that slides
    is measured in m, all others in rad.
    """

    def __init__(self, robot: Robot) -> None:
        """Take kinds and limits from the robot."""
        self.joints = robot.joints
        self.size = len(robot.joints)
        self.slides = robot.sliding
        """(n,) bool: which slide."""
        self.free = np.isinf(robot.lower) & np.isinf(robot.upper) & ~self.slides
        """(n,) bool: which turn freely."""
        self._any_free = bool(self.free.any())
        self.lower = np.where(np.isfinite(robot.lower), robot.lower, -math.pi)
        """(n,) finite: the limit, or −π of a joint that turns freely."""
        self.upper = np.where(np.isfinite(robot.upper), robot.upper, math.pi)
        self.velocity_limit = robot.velocity_limit
        self._half_range = 0.5 * (self.upper - self.lower)
        self.scale: Vector = np.where(self.slides, self._half_range, math.pi)
        """(n,) the size of a large motion: half a turn, or half the range of what slides."""
        self._centre = 0.5 * (self.upper + self.lower)

    def difference(self, one: Vector, other: Vector) -> Vector:
        """Return one − other, (n,), the short way round for joints that turn freely."""
        away: Vector = one - other
        if self._any_free:
            away = away - np.where(self.free, TURN * np.round(away / TURN), 0.0)
        return away

    def tolerances(self, angle: float, length: float) -> Vector:
        """Return a tolerance for each joint, (n,): `length` [m] if it slides, else `angle`.

        Raises:
            ConfigError: every position of every joint is within it, and it is large itself.
        """
        tolerance = np.where(self.slides, length, angle)
        if (tolerance > np.maximum(self.upper - self.lower, _COARSE)).all():
            raise ConfigError(
                f"the task's tolerances are {angle:g} rad and {length:g} m, and no joint moves as "
                f"far ({', '.join(self.joints)}): every posture would be a success. Set smaller "
                "ones."
            )
        return tolerance

    def reward(
        self, error: Vector, velocity: Vector, action: Vector32, tolerance: Vector, own: Weights
    ) -> dict[str, float]:
        """Return mean error, mean nearness, and penalties on a velocity and on torque.

        Nearness, exp(−error / tolerance), rewards each joint that arrives, whatever the others
        do.

        Args:
            error: (n,) [rad], [m], of either sign.
            velocity: what is not wanted, (n,) [rad/s], [m/s].
            action: (n,) the applied torque over the action scale, in [-1, 1].
            tolerance: (n,) [rad], [m].
            own: the weights.
        """
        away, fast = np.abs(error), velocity / self.velocity_limit
        return {
            "error": -float((away / self.scale).mean()),
            "near": own.near_weight * float(np.exp(-away / tolerance).mean()),
            "velocity": -own.velocity_weight * float(fast.dot(fast)),
            "torque": -own.torque_weight * float(action.dot(action)),
        }

    def range(self, share: float) -> tuple[Vector, Vector]:
        """Return the middle share of each joint's range, a turn at most: lowest, highest, (n,)."""
        half = share * np.where(
            self.slides, self._half_range, np.minimum(self._half_range, TURN / 2)
        )
        return self._centre - half, self._centre + half

    def seen(self) -> tuple[int, Callable[[Vector, Vector], None]]:
        """Return how many numbers describe a posture, and what writes them.

        First (cos q, sin q) of the joints that turn, then q over its half range, about the middle,
        of those that slide and of those that turn more than once between their limits: of the
        latter, cos q and sin q do not tell how close a limit is.

        Returns:
            The count m, and a function that writes the posture of a position, (n,), into an
            array, (m,).
        """
        turning = np.flatnonzero(~self.slides)
        winds = self.upper - self.lower > TURN + _LEAST_WIND
        along = np.flatnonzero(self.slides | winds)
        count = len(turning)
        scale, centre = self._half_range[along], self._centre[along]

        def write(position: Vector, out: Vector) -> None:
            angles = position[turning]
            np.cos(angles, out=out[:count])
            np.sin(angles, out=out[count : 2 * count])
            if len(along):
                out[2 * count :] = (position[along] - centre) / scale

        return 2 * count + len(along), write
