"""Pendulum swing-up: bring one link upright and hold it there."""

import math

import numpy as np

from ddpg_ros.config import TaskSection
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot import Robot
from ddpg_ros.tasks.base import angle_difference
from ddpg_ros.types import JointState, Vector32

UPRIGHT = math.pi  # [rad]; at 0 the link hangs down


class SwingUp:
    """Reward: −((angle / π)² + w_v (velocity / limit)² + w_τ action²).

    The reward of Gymnasium's Pendulum-v1, each term brought to the order of 1.
    """

    observation_size = 3
    terms: tuple[str, ...] = ("angle", "velocity", "torque")
    takes_goals = False

    def __init__(self, settings: TaskSection, robot: Robot) -> None:
        """Check that the arm has the one joint that this task is about."""
        if len(robot.joints) != 1:
            raise ConfigError(
                f"the task swing_up takes an arm of one joint; {robot.name} has "
                f"{len(robot.joints)}. Set robot.urdf: pendulum, or another task.name."
            )
        self._settings = settings
        self._velocity_scale = float(robot.velocity_limit[0])
        self.goal = robot.tip_position(np.array([UPRIGHT]))

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
