"""Running mean and standard deviation of the observations."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ddpg_ros.types import Vector, Vector32

SMALLEST_DEVIATION = 1e-2
"""A component that hardly moves is not blown up beyond a hundredfold."""


class Statistics(NamedTuple):
    """What is known of the observations so far."""

    seen: int
    mean: Vector  # (o,)
    variance: Vector  # (o,)


class Normaliser:
    """s ↦ (s − mean) / deviation over all observations so far.

    Chan et al., "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    """

    def __init__(self, size: int) -> None:
        """Begin with the identity."""
        self._count = 0
        self._mean = np.zeros(size)
        self._variance = np.ones(size)

    def add(self, observations: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
        """Take note of observations, (k, o), k at least 1."""
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
        """What is known so far; `restore` takes it back."""
        return Statistics(self._count, self._mean.copy(), self._variance.copy())

    def restore(self, statistics: Statistics) -> None:
        """Go on from what was known."""
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
        """Return an actor's weights that take observations as they come.

        W (s − m) / d + b = (W / d) s + (b − W m / d): the first layer takes the normalisation in.
        """
        inputs, outputs = sizes[0], sizes[1]
        matrix = weights[: inputs * outputs].reshape(outputs, inputs) / self.deviation
        bias = weights[inputs * outputs : (inputs + 1) * outputs] - matrix @ self._mean
        rest = weights[(inputs + 1) * outputs :]
        folded: Vector32 = np.concatenate((matrix.ravel(), bias, rest)).astype(np.float32)
        return folded


def normalised(observation: Tensor, moments: Tensor) -> Tensor:
    """Apply the mean and 1 / deviation, (2, o), to observations, (b, o)."""
    return (observation - moments[0]) * moments[1]
