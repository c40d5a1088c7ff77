"""The actor's forward pass in numpy, which runs on the robot at every tick."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.types import Vector32

LAYER_NORM_EPSILON = np.float32(1e-5)
"""The default of torch's layer_norm."""

_ZERO = np.float32(0.0)


def weight_count(sizes: Sequence[int]) -> int:
    """Return the length of the flat weights of an MLP with these layer sizes."""
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))


class MlpActor:
    """a = tanh(W_k relu(… relu(W_1 s + b_1) …) + b_k), the same function as in `algo.networks`."""

    def __init__(self, sizes: Sequence[int], weights: Vector32, layer_norm: bool = False) -> None:
        """Build the actor.

        Args:
            sizes: of the layers, input to output.
            weights: flat, (weight_count(sizes),), in the order of `algo.networks`.
            layer_norm: normalises each hidden layer to mean 0 and deviation 1 before its ReLU.

        Raises:
            ValueError: weights of another length.
        """
        self.sizes = tuple(sizes)
        self.layer_norm = layer_norm
        self.weights = weights

    @property
    def weights(self) -> Vector32:
        """The flat weights, (weight_count(sizes),); the actor uses them without a copy."""
        return self._weights

    @weights.setter
    def weights(self, weights: Vector32) -> None:
        if weights.shape != (weight_count(self.sizes),):
            raise ValueError(
                f"weights of shape {weights.shape}; an MLP of sizes {self.sizes} takes "
                f"({weight_count(self.sizes)},)"
            )
        self._weights = weights
        layers: list[tuple[NDArray[np.float32], Vector32]] = []
        start = 0
        for fan_in, fan_out in pairwise(self.sizes):
            end = start + fan_in * fan_out
            matrix = weights[start:end].reshape(fan_out, fan_in)
            layers.append((matrix, weights[end : end + fan_out]))
            start = end + fan_out
        *self._hidden, self._last = layers

    def __call__(self, observation: Vector32) -> Vector32:
        """Return the action, (a,) in [-1, 1], for an observation, (o,)."""
        activation = observation
        for matrix, bias in self._hidden:
            activation = matrix.dot(activation)
            activation += bias
            if self.layer_norm:
                activation -= activation.mean()
                activation /= np.sqrt(np.mean(activation * activation) + LAYER_NORM_EPSILON)
            np.maximum(activation, _ZERO, out=activation)
        matrix, bias = self._last
        action: Vector32 = matrix.dot(activation)
        action += bias
        np.tanh(action, out=action)
        return action
