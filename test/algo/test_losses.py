"""The equations of DDPG: targets by hand, gradients against central finite differences."""

import numpy as np
import pytest
import torch
from torch.func import grad

from ddpg_ros.algo.losses import Batch, Penalties, actor_loss, critic_loss, soft_update, td_target
from ddpg_ros.algo.networks import Mlp, Networks, initial_parameters, mlp_networks

OBSERVATION, ACTION, ROWS = 3, 2, 6
STEP = 1e-6  # of the finite differences


def networks(layer_norm=False):
    return mlp_networks(
        Mlp([OBSERVATION, 5, 4, ACTION], layer_norm),
        Mlp([OBSERVATION + ACTION, 5, 4, 1], layer_norm),
    )


def number(*values):
    return torch.tensor(values, dtype=torch.float64)


def draw(seed):
    """Small float64 networks whose last layer is not near zero, and a batch for them."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape):
        return 2.0 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1.0

    def network(*sizes):
        return uniform(len(initial_parameters(sizes, generator)))

    batch = Batch(
        uniform(ROWS, OBSERVATION),
        uniform(ROWS, ACTION),
        uniform(ROWS),
        0.9 * (uniform(ROWS) > 0.0),
        uniform(ROWS, OBSERVATION),
    )
    return network(OBSERVATION, 5, 4, ACTION), network(OBSERVATION + ACTION, 5, 4, 1), batch


def finite_differences(loss, parameters):
    """Gradient of `loss` by central differences, one parameter at a time."""
    gradient = torch.zeros_like(parameters)
    for index in range(parameters.numel()):
        sides = []
        for sign in (1.0, -1.0):
            moved = parameters.clone()
            moved.view(-1)[index] += sign * STEP
            sides.append(loss(moved).item())
        gradient.view(-1)[index] = (sides[0] - sides[1]) / (2.0 * STEP)
    return gradient


def assert_same(gradient, expected):
    assert expected.abs().max() > 1e-3  # there is a gradient at all
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("critics", [1, 2])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_critics_gradient_is_that_of_finite_differences(seed, critics, layer_norm):
    mu, q, batch = draw(seed)
    several = torch.stack([(1.0 + 0.1 * k) * q for k in range(critics)])
    target = td_target(networks(layer_norm), mu, several, batch)

    def loss(parameters):
        return critic_loss(parameters, networks(layer_norm), batch, target)[0]

    assert_same(grad(loss)(several), finite_differences(loss, several))


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("penalties", [Penalties(), Penalties(0.5), Penalties(0.0, 0.5)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_actors_gradient_is_that_of_finite_differences(seed, penalties, layer_norm):
    mu, q, batch = draw(seed)

    def loss(parameters):
        return actor_loss(parameters, q, networks(layer_norm), batch.observation, penalties)[0]

    assert_same(grad(loss)(mu), finite_differences(loss, mu))


# μ(s) = θ s and Q(s, a) = w s + a, of numbers
LINEAR = Networks(
    lambda theta, observation: theta * observation,
    lambda w, observation, action: w * observation.squeeze(-1) + action.squeeze(-1),
    squash=lambda preactivation: preactivation,
)


def next_at_3(*discounts, reward=-1.0):
    rows = len(discounts)
    return Batch(
        observation=torch.ones(rows, 1, dtype=torch.float64),
        action=torch.zeros(rows, 1, dtype=torch.float64),
        reward=number(*[reward] * rows),
        discount=number(*discounts),
        next_observation=3.0 * torch.ones(rows, 1, dtype=torch.float64),
    )


def test_termination_cuts_the_bootstrap_and_nothing_else_does():
    # μ'(s') = 2 s' and Q'(s, a) = 10 s + a: at s' = 3 the next value is 30 + 6 = 36
    batch = next_at_3(0.5, 0.0)  # a time limit is stored with γ, a termination with 0
    target = td_target(LINEAR, number(2.0), number(10.0)[None], batch)
    assert target.tolist() == [-1.0 + 0.5 * 36.0, -1.0]


def test_of_two_critics_the_lesser_value_is_the_target():
    # at s' = 3: Q₁ = 30 + 6 = 36 and Q₂ = −3 + 6 = 3
    target = td_target(LINEAR, number(2.0), number(10.0, -1.0)[:, None], next_at_3(0.5))
    assert target.tolist() == [-1.0 + 0.5 * 3.0]


def test_noise_on_the_target_action_stays_within_the_actions_that_there_are():
    # μ'(s') = 0.1·3 = 0.3; with 0.2 it is 0.5, with 0.9 it would be 1.2 and is 1
    batch, noise = next_at_3(0.5, 0.5), number(0.2, 0.9)[:, None]
    target = td_target(LINEAR, number(0.1), number(10.0)[None], batch, noise)
    assert target.tolist() == pytest.approx([-1.0 + 0.5 * 30.5, -1.0 + 0.5 * 31.0])


def test_the_critics_loss_is_half_the_mean_square_summed_over_the_critics():
    constant = LINEAR._replace(critic=lambda w, observation, action: w + 0.0)
    critics, target = number([1.0, 5.0], [0.0, 0.0]), number(0.0, 2.0)
    loss, values = critic_loss(critics, constant, draw(0)[2], target)
    assert loss.item() == 0.5 * (1.0 + 9.0) / 2.0 + 0.5 * (0.0 + 4.0) / 2.0
    assert values.tolist() == critics.tolist()


def test_the_penalty_of_action_is_its_mean_square():
    # at s = 1 and s = 3 with θ = 2: a = 2, 6; Q = 10 s + a = 12, 36
    observation = number(1.0, 3.0)[:, None]
    loss, action = actor_loss(number(2.0), number(10.0), LINEAR, observation, Penalties(0.1))
    assert loss.item() == pytest.approx(-(12.0 + 36.0) / 2.0 + 0.1 * (4.0 + 36.0) / 2.0)
    assert action.flatten().tolist() == [2.0, 6.0]


def test_the_penalty_of_preactivation_is_the_mean_square_of_what_tanh_is_given():
    # at s = 1 and s = 3 with θ = 2: u = 2, 6; a = tanh u; Q = 10 s + a
    observation = number(1.0, 3.0)[:, None]
    squashed = LINEAR._replace(squash=torch.tanh)
    loss, action = actor_loss(
        number(2.0), number(10.0), squashed, observation, Penalties(preactivation=0.1)
    )
    values = 10.0 + np.tanh(2.0), 30.0 + np.tanh(6.0)
    assert loss.item() == pytest.approx(-sum(values) / 2.0 + 0.1 * (4.0 + 36.0) / 2.0)
    assert action.flatten().tolist() == pytest.approx([np.tanh(2.0), np.tanh(6.0)])


def test_a_saturated_actor_has_a_slope_to_learn_by_with_that_penalty_alone():
    # u = 30: in float32 tanh u is 1 and its slope 0; that of λ u² is 2 λ u s
    squashed = LINEAR._replace(squash=torch.tanh)

    def slope(penalties):
        def loss(theta):
            observation = torch.ones(1, 1)
            return actor_loss(theta, torch.tensor([10.0]), squashed, observation, penalties)[0]

        return grad(loss)(torch.tensor([30.0])).item()

    assert slope(Penalties()) == slope(Penalties(action=0.1)) == 0.0
    assert slope(Penalties(preactivation=0.1)) == pytest.approx(6.0)


def test_soft_update_moves_every_parameter_by_tau():
    target, online = number(1.0, -2.0, 0.0), number(3.0, 2.0, 8.0)
    assert soft_update(target, online, 0.25).tolist() == [1.5, -1.0, 2.0]
    assert target.tolist() == [1.0, -2.0, 0.0]  # a pure function


def test_soft_update_with_tau_1_copies():
    assert soft_update(number(1.0), number(3.0), 1.0).tolist() == [3.0]
