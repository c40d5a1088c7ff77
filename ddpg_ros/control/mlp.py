"""The actor's forward pass in numpy: what runs on the robot at every tick."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ddpg_ros.types import Vector32


def weight_count(sizes: Sequence[int]) -> int:
    """Numbers in the flat weights of an MLP with these layer sizes."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))


class MlpActor:
    """a = tanh(W_k relu(… relu(W_1 s + b_1) …) + b_k), equal to `algo.networks.actor`."""

    def __init__(self, sizes: Sequence[int], weights: Vector32) -> None:
        """Take layer sizes from input to output and the weights, flat, layer by layer."""
        self.sizes = tuple(sizes)
        self._layers: list[tuple[np.ndarray[tuple[int, int], np.dtype[np.float32]], Vector32]] = []
        self.weights = weights

    @property
    def weights(self) -> Vector32:
        """The flat weights, (weight_count(sizes),)."""
        return self._weights

    @weights.setter
    def weights(self, weights: Vector32) -> None:
        if weights.shape != (weight_count(self.sizes),):
            raise ValueError(
                f"weights of shape {weights.shape}; an MLP of sizes {self.sizes} takes "
                f"({weight_count(self.sizes)},)"
            )
        self._weights = weights
        self._layers, start = [], 0
        for fan_in, fan_out in pairwise(self.sizes):
            end = start + fan_in * fan_out
            matrix = weights[start:end].reshape(fan_out, fan_in)
            self._layers.append((matrix, weights[end : end + fan_out]))
            start = end + fan_out

    def __call__(self, observation: Vector32) -> Vector32:
        """Return the action, (a,) in [-1, 1], for an observation, (o,)."""
        *hidden, (matrix, bias) = self._layers
        activation = observation
        for hidden_matrix, hidden_bias in hidden:
            activation = np.maximum(hidden_matrix @ activation + hidden_bias, 0.0)
        action: Vector32 = np.tanh(matrix @ activation + bias)
        return action
