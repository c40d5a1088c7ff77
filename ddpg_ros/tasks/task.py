"""What a task is: observation, reward, termination and success of one arm, in numpy."""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ddpg_ros.config.task_settings import TaskSettings
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.goals import POINT, GoalKind
from ddpg_ros.types import JointState, Vector32


class Task(ABC):
    """One thing for an arm to do.

    A subclass states `observation_size` and `terms`, and implements `observe` and `reward`. Its
    settings are a nested class that extends `Task.Settings`; each one needs a default, and shows
    as the parameter `task.NAME` with its type, range and description.

    The control loop may leave an episode at any step: `reset` forgets whatever a task keeps of
    one.
    """

    class Settings(TaskSettings):
        """No settings but those of every task."""

    observation_size: int
    terms: tuple[str, ...]
    """Names of the reward's terms, in the order in which they are logged."""

    goals: GoalKind = POINT
    """What the goal is, and with it the type of the topic `goal`."""

    goal: Any = np.zeros(3)
    """The goal, as `goals` says; unless that is replaced, (3,) in the base frame [m].

    It is shown in the rendering and published on `goal`. None: it is known with the episode's
    first state, see `advance`.
    """

    takes_goals: bool = False
    """Whether `goal` may be set from outside, at any step."""

    needs_weight: bool = False
    """Whether the arm's weight is what there is to overcome, so that nobody may carry it."""

    def __init__(self, settings: TaskSettings, robot: Robot) -> None:
        """Keep the settings and the arm.

        Args:
            settings: an object of the class's own `Settings`.
            robot: the arm, with its limits and its kinematics.
        """
        self.settings = settings
        self.robot = robot

    def reset(self, rng: np.random.Generator) -> None:  # noqa: B027 (most tasks draw nothing)
        """Begin an episode: draw a goal from `rng`, if the task has one to draw."""

    def advance(self, state: JointState) -> None:  # noqa: B027 (most tasks keep nothing)
        """Take in a state of the episode; each comes once, before all other calls about it.

        The first one after `reset` begins the episode.

        Args:
            state: as in `observe`; `state.stamp` [ns] is its time.
        """

    @abstractmethod
    def observe(self, state: JointState) -> Vector32:
        """Return the observation, (observation_size,) float32, scaled to the order of 1.

        Args:
            state: `state.position` (n,) [rad] and `state.velocity` (n,) [rad/s].

        Returns:
            A new array each time.
        """

    @abstractmethod
    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        """Return the terms of the reward, by the names in `terms`; the reward is their sum.

        Args:
            state: the state that the action led to.
            action: (n,) the applied torque over the action scale, in [-1, 1].
        """

    def terminated(self, state: JointState) -> bool:
        """Return whether the task ended by itself; the time limit does not count."""
        return False

    def success(self, state: JointState) -> bool:
        """Return whether an episode that ends in this state has done the task."""
        return False


def angle_difference(angle: float, target: float) -> float:
    """Signed difference of two angles, wrapped to [-π, π) [rad]."""
    return (angle - target + math.pi) % (2.0 * math.pi) - math.pi
