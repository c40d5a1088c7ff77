"""The actor: chooses the action in the control loop, with a learning or a frozen policy."""

from typing import Protocol

from ddpg_ros.control.mlp import MlpActor
from ddpg_ros.types import Episode, Transition, Vector32


class Actor(Protocol):
    """Chooses actions and records the resulting experience, like Acme's `Actor`."""

    def select_action(self, observation: Vector32) -> Vector32:
        """Return the action, (a,) in [-1, 1], for an observation, (o,)."""

    def record(self, transition: Transition) -> None:
        """Store one transition of experience."""

    def end_episode(self, episode: Episode) -> None:
        """Finish an episode; the last transition is recorded already."""

    def abandon(self) -> None:
        """Drop the running episode: its next transition will not come."""


class GreedyActor:
    """A frozen policy: no exploration noise, no learning."""

    def __init__(self, policy: MlpActor) -> None:
        """Use `policy` as it is."""
        self._policy = policy

    def select_action(self, observation: Vector32) -> Vector32:
        """Return the policy's action, (a,) in [-1, 1], for an observation, (o,)."""
        return self._policy(observation)

    def record(self, transition: Transition) -> None:
        """Do nothing: a frozen policy stores no experience."""

    def end_episode(self, episode: Episode) -> None:
        """Do nothing."""

    def abandon(self) -> None:
        """Do nothing."""
