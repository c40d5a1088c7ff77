"""The worked example of the reference, reproduced by the production code."""

import pytest
import torch

from ddpg_ros.algo.losses import Batch, critic_loss, soft_update, td_target
from ddpg_ros.algo.networks import Mlp, Networks
from ddpg_ros.algo.optimisers import gradient_descent
from ddpg_ros.algo.update import Hyperparameters, LearnerState, update


def number(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def linear_actor(parameters: torch.Tensor, observation: torch.Tensor) -> torch.Tensor:
    return observation * parameters  # μ(s) = θ s


def linear_critic(
    parameters: torch.Tensor, observation: torch.Tensor, action: torch.Tensor
) -> torch.Tensor:
    # Q(s, a) = w1 s + w2 a + w0: the production MLP with no hidden layer
    return Mlp([2, 1])(parameters, torch.cat((observation, action), dim=-1)).squeeze(-1)


def as_it_is(preactivation: torch.Tensor) -> torch.Tensor:
    return preactivation  # without tanh


NETWORKS = Networks(linear_actor, linear_critic, as_it_is)
ACTOR = number(-0.5)
CRITICS = number(0.1, -0.2, 0.0)[None]  # one critic: w1, w2, w0
BATCH = Batch(
    observation=number(2.0).reshape(1, 1),
    action=number(-1.8).reshape(1, 1),
    reward=number(-0.04),
    discount=number(0.9),
    next_observation=number(0.2).reshape(1, 1),
)
EXACT = {"rel": 1e-12, "abs": 1e-15}


def test_td_target_is_minus_0_004() -> None:
    target = td_target(NETWORKS, ACTOR, CRITICS, BATCH)
    assert target.item() == pytest.approx(-0.004, **EXACT)


def test_td_error_is_0_564() -> None:
    loss, value = critic_loss(CRITICS, NETWORKS, BATCH, number(-0.004))
    assert value.item() == pytest.approx(0.56, **EXACT)
    assert (value - number(-0.004)).item() == pytest.approx(0.564, **EXACT)
    assert loss.item() == pytest.approx(0.5 * 0.564**2, **EXACT)


def test_one_update_gives_every_number_of_the_worked_example() -> None:
    hyper = Hyperparameters(tau=0.05, actor_learning_rate=0.05, critic_learning_rate=0.1)
    before = LearnerState.initial(ACTOR, CRITICS)
    state, metrics = update(
        before, BATCH, NETWORKS, gradient_descent, hyper, value_limit=number(1.0)
    )
    w1, w2, w0 = state.critics[0].tolist()
    assert (w0, w1, w2) == pytest.approx((-0.0564, -0.0128, -0.09848), **EXACT)
    assert state.actor.item() == pytest.approx(-0.509848, **EXACT)
    assert state.target_actor.item() == pytest.approx(-0.5004924, **EXACT)
    # the critic's target likewise: 0.05 w + 0.95 w' with w' = (0, 0.1, -0.2)
    t1, t2, t0 = state.target_critics[0].tolist()
    assert (t0, t1, t2) == pytest.approx((-0.00282, 0.09436, -0.194924), **EXACT)
    assert metrics.critic_loss.item() == pytest.approx(0.5 * 0.564**2, **EXACT)


def test_soft_update_moves_by_tau() -> None:
    moved = soft_update(number(1.0), number(3.0), 0.25)
    assert moved.item() == 1.5
