"""Actor and critic as functions of (parameters, inputs).

A network is a tuple of tensors, weight and bias of each layer in turn; there is no module object,
so that losses can be differentiated by `torch.func.grad` and a whole update is one pure function.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

Parameters = tuple[Tensor, ...]


class Networks(NamedTuple):
    """The two functions that DDPG learns: a = μ(s) and Q(s, a)."""

    actor: Callable[[Parameters, Tensor], Tensor]  # (parameters, (b, o)) → (b, a) in [-1, 1]
    critic: Callable[[Parameters, Tensor, Tensor], Tensor]  # (…, (b, o), (b, a)) → (b,)


def mlp(parameters: Parameters, inputs: Tensor) -> Tensor:
    """Multi-layer perceptron with ReLU between the layers."""
    layers = len(parameters) // 2
    for layer in range(layers):
        inputs = linear(inputs, parameters[2 * layer], parameters[2 * layer + 1])
        if layer < layers - 1:
            inputs = torch.relu(inputs)
    return inputs


def actor(parameters: Parameters, observation: Tensor) -> Tensor:
    """Deterministic policy a = μ_θ(s): (b, o) → (b, a) in [-1, 1] through tanh."""
    return torch.tanh(mlp(parameters, observation))


def critic(parameters: Parameters, observation: Tensor, action: Tensor) -> Tensor:
    """Action value Q_w(s, a): (b, o), (b, a) → (b,).

    Deviation from Lillicrap et al. (2016): the action enters at the first layer, not the second.
    """
    return mlp(parameters, torch.cat((observation, action), dim=-1)).squeeze(-1)


def initial_parameters(sizes: Sequence[int], generator: torch.Generator) -> Parameters:
    """Draw the parameters of an MLP with the given layer sizes.

    Hidden layers are uniform within ±1/√fan-in and the last one within ±3·10⁻³, so that the
    first actions and values are near zero (Lillicrap et al., 2016, section 7).
    """
    parameters: list[Tensor] = []
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        bound = 3e-3 if layer == len(sizes) - 2 else 1.0 / math.sqrt(fan_in)
        parameters += (
            torch.empty(shape).uniform_(-bound, bound, generator=generator)
            for shape in ((fan_out, fan_in), (fan_out,))
        )
    return tuple(parameters)
