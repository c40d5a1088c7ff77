"""The values that travel through the package: named tuples over numpy arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
"""A float64 vector; the unit stands beside each use."""

Vector32 = NDArray[np.float32]
"""A float32 vector, the precision of the networks."""


class JointState(NamedTuple):
    """What the arm measured at one instant, in the robot's joint order."""

    stamp: int  # [ns], the publisher's clock
    position: Vector  # (n,) [rad]
    velocity: Vector  # (n,) [rad/s]


class Transition(NamedTuple):
    """One step of an arm."""

    observation: Vector32  # (o,)
    action: Vector32  # (a,) the applied torque over the action scale, in [-1, 1]
    reward: float
    terminated: bool  # cuts the bootstrap; a time limit does not
    next_observation: Vector32  # (o,)


class Experience(NamedTuple):
    """A transition over one step or several, as the learner stores it."""

    observation: Vector32  # (o,)
    action: Vector32  # (a,)
    reward: float  # Σ γ^k r_k over the n steps
    discount: float  # γⁿ, what the value of the next observation counts; 0 after termination
    next_observation: Vector32  # (o,) n steps later


class Episode(NamedTuple):
    """What is kept of one finished episode."""

    episode_return: float  # sum of rewards, undiscounted
    length: int  # [steps]
    success: bool  # the task's own judgement of the last state
    terminated: bool
    terms: dict[str, float]  # the return, split into the task's reward terms


class RecordLayout(NamedTuple):
    """Where each part of an experience stands in a packed float32 record.

    observation | action | reward | discount | next observation: the form in which experience
    crosses from the agent to the learner and lies in replay.
    """

    observation_size: int
    action_size: int

    @property
    def width(self) -> int:
        """Numbers in a record."""
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
