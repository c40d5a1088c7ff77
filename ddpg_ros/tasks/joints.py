"""Joints: bring every joint to a position and rest there."""

import numpy as np
from pydantic import Field

from ddpg_ros.config.fields import NonNegative, Positive
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.goals import JOINTS
from ddpg_ros.tasks.joint_space import TERMS, JointSpace
from ddpg_ros.tasks.task import Task
from ddpg_ros.types import JointState, Vector, Vector32


class Joints(Task):
    """Goals are drawn uniformly, each joint by itself.

    A joint is near its goal by exp(−error / tolerance); the mean over the joints rewards each
    one that arrives, whatever the others do.
    """

    class Settings(Task.Settings):
        """How close is close enough, where goals are, and what the reward weighs."""

        tolerance: Positive = Field(
            0.05, description="Success: largest final error of a joint that turns [rad]"
        )
        sliding_tolerance: Positive = Field(
            0.01, description="Success: largest final error of a prismatic joint [m]"
        )
        goal_range: float = Field(
            0.8, gt=0, le=1, description="The middle share of each joint's range that goals are in"
        )
        near_weight: NonNegative = Field(1.0, description="Weight of the reward's near term")
        velocity_weight: NonNegative = Field(
            0.05, description="Weight of the reward's velocity term"
        )
        torque_weight: NonNegative = Field(0.01, description="Weight of the reward's torque term")

    terms = TERMS
    goals = JOINTS
    takes_goals = True
    goal: Vector

    def __init__(self, settings: Settings, robot: Robot) -> None:
        """Take ranges and limits from the robot."""
        self._settings = settings
        self._space = space = JointSpace(robot)
        self._lower, self._upper = space.range(settings.goal_range)
        self._tolerance = space.tolerances(settings.tolerance, settings.sliding_tolerance)
        posture, self._write_posture = space.seen()
        self.observation_size = posture + 3 * space.size
        self._scratch = np.zeros(self.observation_size)
        self._posture, self._velocity, self._far, self._near = np.split(
            self._scratch, np.cumsum((posture, space.size, space.size))
        )
        self.goal = np.zeros(space.size)

    def reset(self, rng: np.random.Generator) -> None:
        """Draw a goal."""
        self.goal = rng.uniform(self._lower, self._upper)

    def observe(self, state: JointState) -> Vector32:
        """(posture, q̇ over its limit, the way to the goal, from afar and from close by).

        The way is over half a turn, or half a prismatic joint's range; and tanh of the way over
        four tolerances.
        """
        space, way = self._space, self._space.difference(self.goal, state.position)
        self._write_posture(state.position, self._posture)
        np.divide(state.velocity, space.velocity_limit, out=self._velocity)
        np.divide(way, space.scale, out=self._far)
        np.tanh(way / (4.0 * self._tolerance), out=self._near)
        return self._scratch.astype(np.float32)

    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        """Mean error, mean nearness, and penalties on speed and torque."""
        space, own = self._space, self._settings
        error = space.difference(self.goal, state.position)
        return space.reward(error, state.velocity, action, self._tolerance, own)

    def success(self, state: JointState) -> bool:
        """Every joint within its tolerance of the goal."""
        error = np.abs(self._space.difference(self.goal, state.position))
        return bool((error <= self._tolerance).all())
