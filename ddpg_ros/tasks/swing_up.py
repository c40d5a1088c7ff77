"""Pendulum swing-up: bring one link upright and hold it there."""

import math

import numpy as np
from pydantic import Field

from ddpg_ros.config.fields import NonNegative, Positive
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.task import Task, angle_difference
from ddpg_ros.types import JointState, Vector32

UPRIGHT = math.pi  # [rad]; at 0 the link hangs down
_STEEP = 0.5  # share of the way of the tip from hanging to upright that goes up, at least


class SwingUp(Task):
    """Reward: −((angle / π)² + w_v (velocity / limit)² + w_τ action²).

    The reward of Gymnasium's Pendulum-v1, each term brought to the order of 1.
    """

    class Settings(Task.Settings):
        """How close to upright is close enough, and what the reward weighs."""

        retired = frozenset({"goal_range"})

        tolerance: Positive = Field(0.02, description="Success: final angle from upright [rad]")
        velocity_weight: NonNegative = Field(
            0.1, description="Weight of the reward's velocity term"
        )
        torque_weight: NonNegative = Field(0.01, description="Weight of the reward's torque term")

    observation_size = 3
    terms = ("angle", "velocity", "torque")
    needs_weight = True

    def __init__(self, settings: Settings, robot: Robot) -> None:
        """Check that the arm has the one joint that this task is about.

        Raises:
            ConfigError: more joints, one that does not hang down at 0 and stand up at π, or
                limits that keep it from there.
        """
        if len(robot.joints) != 1:
            raise ConfigError(
                f"the task swing_up takes an arm of one joint; {robot.name} has "
                f"{len(robot.joints)}. Set robot.urdf: pendulum, or another task.name."
            )
        hanging, upright = (robot.tip_position(np.array([angle])) for angle in (0.0, UPRIGHT))
        across, rise = float(np.linalg.norm(upright - hanging)), float(upright[2] - hanging[2])
        if rise < _STEEP * across:  # a tip on the joint's axis says nothing
            raise ConfigError(
                "the task swing_up takes a joint that hangs down at 0 and stands up at π rad; "
                f"from 0 to π the tip {robot.tip} of {robot.name} moves {across:.3g} m and rises "
                f"by {rise:.3g} m. Fix axis and origin of '{robot.joints[0]}' in the URDF, or "
                "set another robot.tip or task.name."
            )
        lower, upper = float(robot.lower[0]), float(robot.upper[0])
        missing = _distance_to_upright(lower, upper)
        if missing > settings.tolerance:
            raise ConfigError(
                f"the task swing_up brings '{robot.joints[0]}' to π rad, and the URDF's limits, "
                f"{lower:g} to {upper:g} rad, end {missing:.3g} rad before; expected at most "
                f"task.tolerance, {settings.tolerance:g} rad. Widen the limits, or make the joint "
                "continuous."
            )
        self._settings = settings
        self._velocity_scale = float(robot.velocity_limit[0])
        self.goal = upright

    def reset(self, rng: np.random.Generator) -> None:
        """Nothing to draw: the goal is always upright."""

    def observe(self, state: JointState) -> Vector32:
        """(cos q, sin q, velocity over the joint's limit)."""
        angle, velocity = float(state.position[0]), float(state.velocity[0])
        return np.array(
            [math.cos(angle), math.sin(angle), velocity / self._velocity_scale], dtype=np.float32
        )

    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        """Penalties on the angle from upright, the velocity and the action."""
        angle = angle_difference(float(state.position[0]), UPRIGHT)
        velocity = float(state.velocity[0]) / self._velocity_scale
        return {
            "angle": -((angle / math.pi) ** 2),
            "velocity": -self._settings.velocity_weight * velocity**2,
            "torque": -self._settings.torque_weight * float(action[0]) ** 2,
        }

    def terminated(self, state: JointState) -> bool:
        """Never: only the time limit ends a swing-up."""
        return False

    def success(self, state: JointState) -> bool:
        """Upright within the tolerance [rad]."""
        angle = angle_difference(float(state.position[0]), UPRIGHT)
        return abs(angle) <= self._settings.tolerance


def _distance_to_upright(lower: float, upper: float) -> float:
    """Return how far the nearest position within limits is from upright, of any turn [rad]."""
    if not math.isfinite(lower):
        return 0.0
    first = UPRIGHT + math.tau * math.ceil((lower - UPRIGHT) / math.tau)  # upright from there on
    return max(0.0, min(first - upper, lower - (first - math.tau)))
