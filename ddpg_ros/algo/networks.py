"""Actor and critic as functions of (parameters, inputs).

The parameters of a network are one flat vector, layer by layer, weight (row by row) before bias:
the form in which an actor travels to the robot, and in which an optimiser is one operation. There
is no module object, so that a whole update is one pure function.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

_FINAL_BOUND = 3e-3
_NARROW = 4
"""Outputs up to which compiled sums of products are quicker than a product of matrices."""

Matmul = Callable[[Tensor, Tensor], Tensor]
"""(b, i), (i, j) → (b, j)."""


class Networks(NamedTuple):
    """The two functions that DDPG learns: a = μ(s), a squashed u(s), and Q(s, a)."""

    preactivation: Callable[[Tensor, Tensor], Tensor]  # u: (p,), (b, o) → (b, a)
    critic: Callable[[Tensor, Tensor, Tensor], Tensor]  # (p,), (b, o), (b, a) → (b,)
    squash: Callable[[Tensor], Tensor] = torch.tanh  # to [-1, 1]

    def actor(self, parameters: Tensor, observation: Tensor) -> Tensor:
        """Return the action μ(s): (p,), (b, o) → (b, a) in [-1, 1]."""
        return self.squash(self.preactivation(parameters, observation))


class Mlp(NamedTuple):
    """Multi-layer perceptron with ReLU between the layers.

    With `normalised`, layer normalisation (Ba et al., 2016) without gain and offset stands before
    each ReLU; as in DroQ (Hiraoka et al., 2022), which has both.
    """

    sizes: Sequence[int]  # layers, input to output
    normalised: bool = False
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
            elif layer == 0:  # the gradient of few columns by many rows is slow the other way
                inputs = self.matmul(inputs, weight.t().contiguous()) + bias
            else:
                inputs = self.matmul(inputs, weight.t()) + bias
            if layer < len(layers) - 1:
                inputs = layer_norm(inputs, (fan_out,)) if self.normalised else inputs
                inputs = torch.relu(inputs)
        return inputs


def mlp_networks(actor: Mlp, critic: Mlp) -> Networks:
    """Make an actor that ends in tanh, and a critic of observation and action side by side.

    Deviation from Lillicrap et al. (2016): the action enters at the first layer, not the second.
    """

    def u(parameters: Tensor, observation: Tensor) -> Tensor:
        return actor(parameters, observation)

    def q(parameters: Tensor, observation: Tensor, action: Tensor) -> Tensor:
        return critic(parameters, torch.cat((observation, action), dim=-1)).squeeze(-1)

    return Networks(u, q)


def bf16_matmul(left: Tensor, right: Tensor) -> Tensor:
    """Multiply in bfloat16, forward and backward; the products are summed in float32 inside."""
    return (left.bfloat16() @ right.bfloat16()).float()


def initial_parameters(
    sizes: Sequence[int], generator: torch.Generator, wide_final_layer: bool = False
) -> Tensor:
    """Draw the parameters of an MLP with the given layer sizes, (p,).

    Layers are uniform within ±1/√fan-in; the last one within ±0.003, so that the first actions
    and values are near zero (Lillicrap et al., 2016, section 7), unless it is to be wide too.
    """
    pieces: list[Tensor] = []
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        bound = 1.0 / math.sqrt(fan_in)
        if layer == len(sizes) - 2 and not wide_final_layer:
            bound = _FINAL_BOUND
        count = (fan_in + 1) * fan_out
        pieces.append(torch.empty(count).uniform_(-bound, bound, generator=generator))
    return torch.cat(pieces)
