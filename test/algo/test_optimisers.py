"""Adam against PyTorch's own, and gradient descent by hand."""

import pytest
import torch

from ddpg_ros.algo.optimisers import adam, gradient_descent, initial_state


@pytest.mark.parametrize("learning_rate", [1e-3, 0.1])
def test_adam_walks_with_torch_optim_adam_for_20_steps(learning_rate):
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    ours = normal(16)
    theirs = ours.clone().requires_grad_()
    reference = torch.optim.Adam([theirs], lr=learning_rate)
    state = initial_state(ours)
    for _ in range(20):
        gradient = torch.cat((normal(12), 1e-4 * normal(4)))  # of very different sizes
        ours, state = adam(ours, gradient, state, learning_rate)
        theirs.grad = gradient
        reference.step()
        # within 10⁻³ of a step: the bias corrections are float32 here
        torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-3 * learning_rate)
    assert state.decay.tolist() == pytest.approx([0.9**20, 0.999**20], rel=1e-5)


def test_adams_first_step_has_the_learning_rates_length_whatever_the_gradient():
    # m/(1 − β₁) = g, v/(1 − β₂) = g², so that the step is η g / |g|
    parameters = torch.tensor([1.0, 1.0])
    gradient = torch.tensor([1e-3, -100.0])
    moved, _ = adam(parameters, gradient, initial_state(parameters), 0.1)
    torch.testing.assert_close(moved, torch.tensor([0.9, 1.1]), rtol=1e-5, atol=1e-5)


def test_an_optimiser_leaves_its_arguments_alone():
    parameters, gradient = torch.ones(2), torch.ones(2)
    state = initial_state(parameters)
    adam(parameters, gradient, state, 0.1)
    gradient_descent(parameters, gradient, state, 0.1)
    assert parameters.tolist() == gradient.tolist() == [1.0, 1.0]
    assert state.mean.tolist() == state.square.tolist() == [0.0, 0.0]
    assert state.decay.tolist() == [1.0, 1.0]


def test_gradient_descent_goes_downhill_by_the_learning_rate():
    parameters, gradient = torch.tensor([1.0, -1.0]), torch.tensor([2.0, -4.0])
    moved, _ = gradient_descent(parameters, gradient, initial_state(parameters), 0.25)
    assert moved.tolist() == [0.5, 0.0]
