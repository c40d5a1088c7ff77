"""What the rewards so far allow a value to be: the range of targets, and what is divergence."""

from collections.abc import Iterable

import numpy as np

from ddpg_ros.types import Vector32

SMALLEST_REWARD = 1.0
"""The limit of values is never below what this reward allows: at first none is known."""


class ValueLimits:
    """The least and the largest reward so far, and the values that they allow.

    A reward r for ever is worth r/(1 − γ); a record's, over n steps, R/(1 − γⁿ).
    """

    def __init__(self, discount: float, n_step: int) -> None:
        """Take γ and n; no reward is known but 0, as an episode can end."""
        self._one_step, self._n_step, self._whole = 1.0 - discount, n_step, discount**n_step
        self.rewards = (0.0, 0.0)
        """The least and the largest."""

    def add(self, rewards: Vector32, discounts: Vector32) -> bool:
        """Take note of records' rewards and discounts, (k,) each; return whether that widens it.

        Where a time limit left k < n steps, R for ever comes to R/(1 − γᵏ): it counts as that of
        n whole steps that are worth as much.
        """
        if self._n_step > 1:
            shorter = discounts > np.float32(self._whole) * (1.0 + 1e-5)
            rewards = rewards * np.where(shorter, (1.0 - self._whole) / (1.0 - discounts), 1.0)
        return self.note(rewards.tolist())

    def note(self, rewards: Iterable[float]) -> bool:
        """Take note of rewards of n whole steps; return whether that widens the range."""
        before, seen = self.rewards, [*self.rewards, *rewards]
        self.rewards = (min(seen), max(seen))
        return self.rewards != before

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest value that is possible."""
        least, largest = (reward / (1.0 - self._whole) for reward in self.rewards)
        return least, largest

    @property
    def divergence(self) -> float:
        """The |Q| that is none any more: twice what is possible."""
        least, largest = self.range
        return 2.0 * max(SMALLEST_REWARD / self._one_step, -least, largest)
