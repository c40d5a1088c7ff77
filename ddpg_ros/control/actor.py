"""Who chooses the action: the interface of the control loop to a policy, learning or frozen."""

from typing import Protocol

from ddpg_ros.control.mlp import MlpActor
from ddpg_ros.types import Episode, Transition, Vector32


class Actor(Protocol):
    """Chooses actions and is told what came of them (the vocabulary of Acme's Actor)."""

    def select_action(self, observation: Vector32) -> Vector32:
        """Return the action, (a,) in [-1, 1], for an observation, (o,)."""

    def observe(self, transition: Transition) -> None:
        """Take note of one step of experience."""

    def end_episode(self, episode: Episode) -> None:
        """Take note of a finished episode."""

    def abandon(self) -> None:
        """Take note that the running episode is left where it is."""


class GreedyActor:
    """A frozen policy: no noise, no learning."""

    def __init__(self, policy: MlpActor) -> None:
        """Take the network."""
        self._policy = policy

    def select_action(self, observation: Vector32) -> Vector32:
        """Return the network's own answer."""
        return self._policy(observation)

    def observe(self, transition: Transition) -> None:
        """Nothing is learnt."""

    def end_episode(self, episode: Episode) -> None:
        """Nothing is learnt."""

    def abandon(self) -> None:
        """Nothing is learnt."""
