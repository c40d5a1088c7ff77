"""What updates came to, and when skipped ones end a training."""

from typing import NamedTuple

import numpy as np

from ddpg_ros.algo.update import Metrics
from ddpg_ros.errors import LearnerDivergedError

SKIPS_ALLOWED = 10
"""Number of skipped updates in a row that ends the training."""

Array32 = np.ndarray[tuple[int, int], np.dtype[np.float32]]


class Report(NamedTuple):
    """The metrics of one call to `Learner.update`."""

    rows: Array32  # (updates, m), one column for each of `Metrics`

    def column(self, name: str) -> list[float]:
        """Return one metric, a number for each update."""
        values: list[float] = self.rows[:, Metrics._fields.index(name)].tolist()
        return values

    def skips_in_a_row(self, before: int, value_limit: float) -> int:
        """Return how many updates in a row were skipped at the end.

        Args:
            before: how many were skipped in a row before these.
            value_limit: |Q| that the rewards allow.

        Raises:
            LearnerDivergedError: `SKIPS_ALLOWED` of them were.
        """
        count = before
        for skipped in self.column("skipped"):
            count = count + 1 if skipped else 0
            if count >= SKIPS_ALLOWED:
                largest = max(abs(self.column("q_min")[-1]), abs(self.column("q_max")[-1]))
                raise LearnerDivergedError(
                    f"the learner diverges: {SKIPS_ALLOWED} updates in a row were skipped, as "
                    "their losses or gradients were not finite, or |Q| or its target was beyond "
                    f"what rewards allow (largest |Q| {largest:.3g}, allowed for both "
                    f"2 r_max/(1 − γ) = {value_limit:.3g}). The policy is the last good one. "
                    "Try learner.clip_target: true, a lower learner.critic_learning_rate, a lower "
                    "learner.tau or learner.critics: 2; and look whether observations and "
                    "rewards are of order 1."
                )
        return count
