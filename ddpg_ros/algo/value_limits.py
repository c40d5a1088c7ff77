"""Bounds on Q that follow from the rewards so far: the range of targets and the divergence limit.

A reward r at every step has the value r/(1 − γ). A record of n steps with the reward R has the
value R/(1 − γⁿ).
"""

from collections.abc import Iterable

import numpy as np

from ddpg_ros.types import Vector32

SMALLEST_REWARD = 1.0
"""The divergence limit assumes at least this |reward|, as no reward is known at the start."""


class ValueLimits:
    """The smallest and largest reward so far, and the values that they allow."""

    def __init__(self, discount: float, n_step: int) -> None:
        """Start with the reward 0 alone, which an ended episode yields for ever.

        Args:
            discount: γ.
            n_step: n.
        """
        self._one_step, self._n_step, self._full_discount = (
            1.0 - discount,
            n_step,
            discount**n_step,
        )
        self.rewards = (0.0, 0.0)
        """The smallest and largest reward over n steps."""

    def add(self, rewards: Vector32, discounts: Vector32) -> bool:
        """Add the rewards and discounts of records, (k,) each.

        A record that truncation cut to k < n steps has the value R/(1 − γᵏ). It counts with the
        n-step reward of the same value.

        Returns:
            Whether the range has widened.
        """
        if self._n_step > 1:
            cut = discounts > np.float32(self._full_discount) * (1.0 + 1e-5)
            scale = (1.0 - self._full_discount) / (1.0 - discounts)
            rewards = rewards * np.where(cut, scale, 1.0)
        return self.add_rewards(rewards.tolist())

    def add_rewards(self, rewards: Iterable[float]) -> bool:
        """Add rewards over n whole steps; return whether the range has widened."""
        before, seen = self.rewards, [*self.rewards, *rewards]
        self.rewards = (min(seen), max(seen))
        return self.rewards != before

    def allow(self, values: tuple[float, float]) -> None:
        """Widen the range to values that another learner's rewards allow, as its critic has them.

        Args:
            values: its `range`; its discount may be another.
        """
        self.add_rewards(value * (1.0 - self._full_discount) for value in values)

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and largest value that the rewards allow."""
        least, largest = (reward / (1.0 - self._full_discount) for reward in self.rewards)
        return least, largest

    @property
    def divergence(self) -> float:
        """The |Q| above which an update counts as diverged: twice the largest possible value."""
        least, largest = self.range
        return 2.0 * max(SMALLEST_REWARD / self._one_step, -least, largest)
