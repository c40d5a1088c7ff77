"""The equations of DDPG: targets by hand, gradients against central finite differences."""

import itertools

import pytest
import torch
from torch.func import grad

from ddpg_ros.algo.losses import Batch, actor_loss, critic_loss, soft_update, td_target
from ddpg_ros.algo.networks import Networks, actor, critic, initial_parameters

OBSERVATION, ACTION, ROWS = 3, 2, 6
NETWORKS = Networks(actor, critic)
STEP = 1e-6  # of the finite differences


def number(*values):
    return torch.tensor(values, dtype=torch.float64)


def draw(seed):
    """Small float64 networks whose last layer is not near zero, and a batch for them."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape):
        return 2.0 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1.0

    def network(*sizes):
        shapes = initial_parameters(sizes, generator)
        return tuple(uniform(*tensor.shape) for tensor in shapes)

    batch = Batch(
        uniform(ROWS, OBSERVATION),
        uniform(ROWS, ACTION),
        uniform(ROWS),
        (uniform(ROWS) > 0.0).double(),
        uniform(ROWS, OBSERVATION),
    )
    return network(OBSERVATION, 5, 4, ACTION), network(OBSERVATION + ACTION, 5, 4, 1), batch


def finite_differences(loss, parameters):
    """Gradient of `loss` by central differences, one parameter at a time."""
    gradient = [torch.zeros_like(tensor) for tensor in parameters]
    for layer, tensor in enumerate(parameters):
        for index in itertools.product(*map(range, tensor.shape)):
            sides = []
            for sign in (1.0, -1.0):
                moved = [other.clone() for other in parameters]
                moved[layer][index] += sign * STEP
                sides.append(loss(tuple(moved)).item())
            gradient[layer][index] = (sides[0] - sides[1]) / (2.0 * STEP)
    return gradient


def assert_same(gradient, expected):
    assert any(tensor.abs().max() > 1e-3 for tensor in expected)  # there is a gradient at all
    for one, other in zip(gradient, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_critics_gradient_is_that_of_finite_differences_for_every_parameter(seed):
    mu, q, batch = draw(seed)
    target = td_target(NETWORKS, mu, q, batch, 0.9)

    def loss(parameters):
        return critic_loss(parameters, NETWORKS, batch, target)[0]

    assert_same(grad(loss)(q), finite_differences(loss, q))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_actors_gradient_is_that_of_finite_differences_for_every_parameter(seed):
    mu, q, batch = draw(seed)

    def loss(parameters):
        return actor_loss(parameters, q, NETWORKS, batch.observation)

    assert_same(grad(loss)(mu), finite_differences(loss, mu))


def test_termination_cuts_the_bootstrap_and_nothing_else_does():
    # μ'(s') = 2 s' and Q'(s, a) = 10 s + a: at s' = 3 the next value is 30 + 6 = 36
    networks = Networks(
        lambda parameters, observation: parameters[0] * observation,
        lambda parameters, observation, action: (
            parameters[0] * observation.squeeze(-1) + action.squeeze(-1)
        ),
    )
    batch = Batch(
        observation=number(1.0, 1.0).reshape(2, 1),
        action=number(0.0, 0.0).reshape(2, 1),
        reward=number(-1.0, -1.0),
        terminated=number(0.0, 1.0),  # a time limit is stored as 0
        next_observation=number(3.0, 3.0).reshape(2, 1),
    )
    target = td_target(networks, (number(2.0),), (number(10.0),), batch, discount=0.5)
    assert target.tolist() == [-1.0 + 0.5 * 36.0, -1.0]


def test_the_critics_loss_is_half_the_mean_square():
    networks = Networks(actor, lambda parameters, observation, action: parameters[0] + 0.0)
    loss, value = critic_loss((number(1.0, 5.0),), networks, draw(0)[2], number(0.0, 2.0))
    assert loss.item() == 0.5 * (1.0 + 9.0) / 2.0
    assert value.tolist() == [1.0, 5.0]


def test_soft_update_moves_every_parameter_by_tau():
    target = (number(1.0, -2.0), number(0.0))
    online = (number(3.0, 2.0), number(8.0))
    first, second = soft_update(target, online, 0.25)
    assert (first.tolist(), second.tolist()) == ([1.5, -1.0], [2.0])
    assert target[0].tolist() == [1.0, -2.0]  # a pure function


def test_soft_update_with_tau_1_copies():
    (copy,) = soft_update((number(1.0),), (number(3.0),), 1.0)
    assert copy.tolist() == [3.0]
