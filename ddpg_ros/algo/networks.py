"""Actor and critic as functions of (parameters, inputs).

The parameters of a network are one flat vector: layer by layer, each weight matrix in row-major
order before its bias. The actor is sent to the robot in this form, and an optimiser updates it in
one operation. There is no `torch.nn.Module`, so a whole update is one pure function.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

_FINAL_BOUND = 3e-3  # of the last layer's initial parameters
_NARROW = 4
"""Outputs of a layer up to which compiled dot products are faster than a matrix product."""

Matmul = Callable[[Tensor, Tensor], Tensor]
"""(b, i), (i, j) → (b, j)."""


class Networks(NamedTuple):
    """The two functions that DDPG learns: μ(s) = squash(u(s)) and Q(s, a)."""

    preactivation: Callable[[Tensor, Tensor], Tensor]  # u: (p,), (b, o) → (b, a)
    critic: Callable[[Tensor, Tensor, Tensor], Tensor]  # (p,), (b, o), (b, a) → (b,)
    squash: Callable[[Tensor], Tensor] = torch.tanh  # to [-1, 1]

    def actor(self, parameters: Tensor, observation: Tensor) -> Tensor:
        """Return the action μ(s): (p,), (b, o) → (b, a) in [-1, 1]."""
        return self.squash(self.preactivation(parameters, observation))


class Mlp(NamedTuple):
    """Multi-layer perceptron with ReLU between the layers.

    Layer normalisation (Ba et al., 2016) before each ReLU follows DroQ (Hiraoka et al., 2022),
    but without gain and offset.
    """

    sizes: Sequence[int]  # of the layers, input to output
    normalised: bool = False  # with layer normalisation
    matmul: Matmul = torch.matmul

    def __call__(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Return the last layer's values: (p,), (b, i) → (b, j)."""
        layers = list(itertools.pairwise(self.sizes))
        counts = itertools.chain.from_iterable((i * j, j) for i, j in layers)
        pieces = torch.split(parameters, list(counts))
        narrow = _NARROW if torch.compiler.is_compiling() else 1
        for layer, (fan_in, fan_out) in enumerate(layers):
            weight, bias = pieces[2 * layer].view(fan_out, fan_in), pieces[2 * layer + 1]
            if fan_out <= narrow:  # dot products, which the compiler fuses
                inputs = (inputs.unsqueeze(-2) * weight).sum(-1) + bias
            elif layer == 0:  # with few inputs, the gradient of a transposed view is slow
                inputs = self.matmul(inputs, weight.t().contiguous()) + bias
            else:
                inputs = self.matmul(inputs, weight.t()) + bias
            if layer < len(layers) - 1:
                inputs = layer_norm(inputs, (fan_out,)) if self.normalised else inputs
                inputs = torch.relu(inputs)
        return inputs


def mlp_networks(actor: Mlp, critic: Mlp) -> Networks:
    """Return an actor that ends in tanh, and a critic of the concatenated (s, a).

    Deviation from Lillicrap et al. (2016): the action enters at the first layer, not the second.
    """

    def u(parameters: Tensor, observation: Tensor) -> Tensor:
        return actor(parameters, observation)

    def q(parameters: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        return critic(parameters, torch.cat((observation, action), dim=-1)).squeeze(-1)

    return Networks(u, q)


def bf16_matmul(left: Tensor, right: Tensor) -> Tensor:
    """Multiply in bfloat16 and sum in float32, in the forward and the backward pass."""
    return (left.bfloat16() @ right.bfloat16()).float()


def initial_parameters(
    sizes: Sequence[int], generator: torch.Generator, wide_final_layer: bool = False
) -> Tensor:
    """Draw the initial parameters of an MLP, (p,), as Lillicrap et al. (2016), section 7.

    Each layer is uniform within ±1/√fan-in. The last layer is uniform within ±0.003, so that
    actions and values start near 0.

    Args:
        sizes: of the layers, input to output.
        generator: the source of randomness.
        wide_final_layer: draws the last layer like the others.
    """
    pieces: list[Tensor] = []
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        bound = 1.0 / math.sqrt(fan_in)
        if layer == len(sizes) - 2 and not wide_final_layer:
            bound = _FINAL_BOUND
        count = (fan_in + 1) * fan_out
        pieces.append(torch.empty(count).uniform_(-bound, bound, generator=generator))
    return torch.cat(pieces)
