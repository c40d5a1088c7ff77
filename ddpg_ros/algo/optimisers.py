"""Gradient steps as pure functions of (parameters, gradient, state)."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ddpg_ros.algo.networks import Parameters


class OptimiserState(NamedTuple):
    """First and second moment of the gradient, and the number of steps taken."""

    mean: Parameters
    square: Parameters
    step: Tensor  # ()


Optimiser = Callable[
    [Parameters, Parameters, OptimiserState, float], tuple[Parameters, OptimiserState]
]
"""(parameters, gradient of a loss, state, learning rate) → (new parameters, new state)."""


def initial_state(parameters: Parameters) -> OptimiserState:
    """Return the state before the first step."""
    zeros = tuple(torch.zeros_like(tensor) for tensor in parameters)
    return OptimiserState(zeros, zeros, torch.zeros((), device=parameters[0].device))


def gradient_descent(
    parameters: Parameters, gradient: Parameters, state: OptimiserState, learning_rate: float
) -> tuple[Parameters, OptimiserState]:
    """θ ← θ − η ∇L."""
    return tuple(torch._foreach_add(parameters, gradient, alpha=-learning_rate)), state


def adam(
    parameters: Parameters, gradient: Parameters, state: OptimiserState, learning_rate: float
) -> tuple[Parameters, OptimiserState]:
    """Adam (Kingma & Ba, 2015) with β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸."""
    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8
    step = state.step + 1
    mean = torch._foreach_lerp(state.mean, gradient, 1.0 - beta_1)
    square = torch._foreach_mul(state.square, beta_2)
    torch._foreach_addcmul_(square, gradient, gradient, 1.0 - beta_2)
    denominator = torch._foreach_sqrt(square)
    torch._foreach_div_(denominator, torch.sqrt(1.0 - beta_2**step))
    torch._foreach_add_(denominator, epsilon)
    torch._foreach_div_(denominator, -learning_rate / (1.0 - beta_1**step))
    parameters = tuple(torch._foreach_addcdiv(parameters, mean, denominator))
    return parameters, OptimiserState(tuple(mean), tuple(square), step)
