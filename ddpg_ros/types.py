"""The data types that the package's components exchange: named tuples of numpy arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
"""A float64 vector; each use states its shape and unit."""

Vector32 = NDArray[np.float32]
"""A float32 vector, the precision of the networks."""


class JointState(NamedTuple):
    """The measured state of the arm at one time, in the robot's joint order."""

    stamp: int  # [ns], the publisher's clock
    position: Vector  # (n,) [rad]
    velocity: Vector  # (n,) [rad/s]


class Transition(NamedTuple):
    """One step of an arm."""

    observation: Vector32  # (o,)
    action: Vector32  # (a,) the applied torque divided by the torque limit, in [-1, 1]
    reward: float
    terminated: bool  # whether the next state has no value; false at a time limit
    next_observation: Vector32  # (o,)


class Experience(NamedTuple):
    """A transition over n steps, as the learner stores it."""

    observation: Vector32  # (o,)
    action: Vector32  # (a,)
    reward: float  # Σ γ^k r_k over the n steps
    discount: float  # γⁿ, the weight of the next observation's value; 0 after termination
    next_observation: Vector32  # (o,) n steps later


class Episode(NamedTuple):
    """The statistics of one finished episode."""

    episode_return: float  # undiscounted sum of rewards
    length: int  # [steps]
    success: bool  # whether the task judges the last state a success
    terminated: bool
    terms: dict[str, float]  # the return of each of the task's reward terms


class RecordLayout(NamedTuple):
    """The layout of an experience as a packed float32 record.

    The parts are observation | action | reward | discount | next observation. Experience has this
    form in the shared ring buffer and in the replay buffer.
    """

    observation_size: int
    action_size: int

    @property
    def width(self) -> int:
        """Length of a record."""
        return 2 * self.observation_size + self.action_size + 2

    @property
    def slices(self) -> tuple[slice, slice, int, int, slice]:
        """Columns of observation, action, reward, discount, next observation."""
        o, a = self.observation_size, self.action_size
        return slice(0, o), slice(o, o + a), o + a, o + a + 1, slice(o + a + 2, None)

    def pack(self, experience: Experience) -> Vector32:
        """Return the experience as one record, (width,)."""
        record = np.empty(self.width, dtype=np.float32)
        observation, action, reward, discount, next_observation = self.slices
        record[observation] = experience.observation
        record[action] = experience.action
        record[reward] = experience.reward
        record[discount] = experience.discount
        record[next_observation] = experience.next_observation
        return record
