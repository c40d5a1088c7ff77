"""Gradient steps as pure functions of (parameters, gradient, state)."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class OptimiserState(NamedTuple):
    """Adam's running moments of the gradient, and what corrects their bias after t steps."""

    mean: Tensor  # shaped like the parameters
    square: Tensor  # shaped like the parameters
    decay: Tensor  # (2,) β₁ᵗ and β₂ᵗ


Optimiser = Callable[[Tensor, Tensor, OptimiserState, float], tuple[Tensor, OptimiserState]]
"""(parameters, gradient of a loss, state, learning rate) → (new parameters, new state)."""


def initial_state(parameters: Tensor) -> OptimiserState:
    """Return the state before the first step."""
    return OptimiserState(
        torch.zeros_like(parameters),
        torch.zeros_like(parameters),
        torch.ones(2, device=parameters.device),
    )


def gradient_descent(
    parameters: Tensor, gradient: Tensor, state: OptimiserState, learning_rate: float
) -> tuple[Tensor, OptimiserState]:
    """Return θ − η ∇L; for worked examples, as its result is easy to compute by hand."""
    return parameters - learning_rate * gradient, state


def adam(
    parameters: Tensor, gradient: Tensor, state: OptimiserState, learning_rate: float
) -> tuple[Tensor, OptimiserState]:
    """Take one step of Adam (Kingma & Ba, 2015) with β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.

    As section 2 of the paper suggests for speed, the step length contains both bias corrections.
    """
    mean = torch.lerp(state.mean, gradient, 1.0 - BETAS[0])
    square = torch.lerp(state.square, gradient * gradient, 1.0 - BETAS[1])
    decay = torch.stack((state.decay[0] * BETAS[0], state.decay[1] * BETAS[1]))
    correction = torch.sqrt(1.0 - decay[1])
    length = learning_rate * correction / (1.0 - decay[0])
    moved = parameters - length * mean / (torch.sqrt(square) + EPSILON * correction)
    return moved, OptimiserState(mean, square, decay)
