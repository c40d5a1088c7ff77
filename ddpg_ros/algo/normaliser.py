"""Running mean and standard deviation of the observations."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ddpg_ros.types import Vector, Vector32

SMALLEST_DEVIATION = 1e-2
"""Lower bound of a deviation: a nearly constant component is scaled up at most a hundredfold."""


class Statistics(NamedTuple):
    """Mean and variance of the observations so far."""

    seen: int  # number of observations
    mean: Vector  # (o,)
    variance: Vector  # (o,)


class Normaliser:
    """Maps s to (s − mean) / deviation over all observations so far.

    The update follows Chan et al., "Updating formulae and a pairwise algorithm for computing
    sample variances", 1979.
    """

    def __init__(self, size: int) -> None:
        """Start with mean 0 and variance 1 for observations of `size` components."""
        self._count = 0
        self._mean = np.zeros(size)
        self._variance = np.ones(size)

    def add(self, observations: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
        """Add observations, (k, o) with k ≥ 1, to the statistics."""
        added = len(observations)
        values = observations.astype(np.float64)
        shift = values.mean(0) - self._mean
        total = self._count + added
        squares = self._variance * self._count + values.var(0) * added
        self._variance = (squares + shift**2 * self._count * added / total) / total
        self._mean = self._mean + shift * added / total
        self._count = total

    @property
    def statistics(self) -> Statistics:
        """A copy of the statistics so far."""
        return Statistics(self._count, self._mean.copy(), self._variance.copy())

    def restore(self, statistics: Statistics) -> None:
        """Replace the statistics by those of a checkpoint."""
        self._count = statistics.seen
        self._mean, self._variance = statistics.mean.copy(), statistics.variance.copy()

    @property
    def deviation(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Standard deviation, (o,), at least `SMALLEST_DEVIATION`."""
        return np.maximum(np.sqrt(self._variance), SMALLEST_DEVIATION)

    @property
    def moments(self) -> Tensor:
        """Mean and 1 / deviation, (2, o)."""
        both = np.stack((self._mean, 1.0 / self.deviation))
        return torch.from_numpy(both.astype(np.float32))

    def fold(self, weights: Vector32, sizes: Sequence[int]) -> Vector32:
        """Return an actor's weights that include the normalisation, for raw observations.

        The first layer absorbs it: W (s − m) / d + b = (W / d) s + (b − W m / d).

        Args:
            weights: flat, (p,), for normalised observations.
            sizes: of the actor's layers, at least the first two.
        """
        inputs, outputs = sizes[0], sizes[1]
        matrix = weights[: inputs * outputs].reshape(outputs, inputs) / self.deviation
        bias = weights[inputs * outputs : (inputs + 1) * outputs] - matrix @ self._mean
        rest = weights[(inputs + 1) * outputs :]
        folded: Vector32 = np.concatenate((matrix.ravel(), bias, rest)).astype(np.float32)
        return folded

    def unfold(self, weights: Vector32, sizes: Sequence[int]) -> Vector32:
        """Return an actor's weights for normalised observations: the inverse of `fold`.

        W s + b = (W d) (s − m) / d + (b + W m).

        Args:
            weights: flat, (p,), for raw observations.
            sizes: of the actor's layers, at least the first two.
        """
        inputs, outputs = sizes[0], sizes[1]
        raw = weights[: inputs * outputs].reshape(outputs, inputs).astype(np.float64)
        bias = weights[inputs * outputs : (inputs + 1) * outputs] + raw @ self._mean
        rest = weights[(inputs + 1) * outputs :]
        matrix = raw * self.deviation
        unfolded: Vector32 = np.concatenate((matrix.ravel(), bias, rest)).astype(np.float32)
        return unfolded


def normalised(observation: Tensor, moments: Tensor) -> Tensor:
    """Return normalised observations, (b, o), for `Normaliser.moments`, (2, o)."""
    return (observation - moments[0]) * moments[1]
