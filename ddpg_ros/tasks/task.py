"""What a task is: observation, reward, termination and success of one arm, in numpy."""

import math
from typing import Protocol

import numpy as np

from ddpg_ros.types import JointState, Vector, Vector32


class Task(Protocol):
    """One thing for an arm to do.

    Of the running episode a task holds the goal, and nothing else that counts.
    """

    observation_size: int
    terms: tuple[str, ...]
    """Names of the reward terms, in the order of the log."""
    goal: Vector
    """(3,) the goal in the base frame [m], shown in the rendering and published on `goal`."""

    takes_goals: bool
    """Whether the goal may be set from outside."""

    def reset(self, rng: np.random.Generator) -> None:
        """Begin an episode: draw a goal."""

    def observe(self, state: JointState) -> Vector32:
        """Return the observation, (observation_size,), scaled to the order of 1."""

    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        """Return the named terms whose sum is the reward.

        Args:
            state: the state that the action led to.
            action: (n,) the applied torque over the action scale, in [-1, 1].
        """

    def terminated(self, state: JointState) -> bool:
        """Whether the task ended by itself; a time limit is not this."""

    def success(self, state: JointState) -> bool:
        """Whether an episode that ends in this state has done the task."""


def angle_difference(angle: float, target: float) -> float:
    """Signed difference of two angles, wrapped to [-π, π) [rad]."""
    return (angle - target + math.pi) % (2.0 * math.pi) - math.pi
