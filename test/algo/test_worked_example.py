"""The worked example of the reference, reproduced by the production code."""

import pytest
import torch

from ddpg_ros.algo.losses import Batch, critic_loss, soft_update, td_target
from ddpg_ros.algo.networks import Networks, Parameters, mlp
from ddpg_ros.algo.optimisers import gradient_descent
from ddpg_ros.algo.update import Hyperparameters, LearnerState, update


def number(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def linear_actor(parameters: Parameters, observation: torch.Tensor) -> torch.Tensor:
    return observation @ parameters[0].T  # μ(s) = θ s


def linear_critic(
    parameters: Parameters, observation: torch.Tensor, action: torch.Tensor
) -> torch.Tensor:
    # Q(s, a) = w1 s + w2 a + w0: the production MLP with no hidden layer
    return mlp(parameters, torch.cat((observation, action), dim=-1)).squeeze(-1)


NETWORKS = Networks(linear_actor, linear_critic)
ACTOR = (number(-0.5).reshape(1, 1),)
CRITIC = (number(0.1, -0.2).reshape(1, 2), number(0.0))
BATCH = Batch(
    observation=number(2.0).reshape(1, 1),
    action=number(-1.8).reshape(1, 1),
    reward=number(-0.04),
    terminated=number(0.0),
    next_observation=number(0.2).reshape(1, 1),
)
EXACT = {"rel": 1e-12, "abs": 1e-15}


def test_td_target_is_minus_0_004() -> None:
    target = td_target(NETWORKS, ACTOR, CRITIC, BATCH, discount=0.9)
    assert target.item() == pytest.approx(-0.004, **EXACT)


def test_td_error_is_0_564() -> None:
    loss, value = critic_loss(CRITIC, NETWORKS, BATCH, number(-0.004))
    assert value.item() == pytest.approx(0.56, **EXACT)
    assert (value - number(-0.004)).item() == pytest.approx(0.564, **EXACT)
    assert loss.item() == pytest.approx(0.5 * 0.564**2, **EXACT)


def test_one_update_gives_every_number_of_the_worked_example() -> None:
    hyper = Hyperparameters(
        discount=0.9, tau=0.05, actor_learning_rate=0.05, critic_learning_rate=0.1
    )
    state, metrics = update(
        LearnerState.initial(ACTOR, CRITIC), BATCH, NETWORKS, gradient_descent, hyper
    )
    (w1, w2), w0 = state.critic[0][0].tolist(), state.critic[1].item()
    assert (w0, w1, w2) == pytest.approx((-0.0564, -0.0128, -0.09848), **EXACT)
    assert state.actor[0].item() == pytest.approx(-0.509848, **EXACT)
    assert state.target_actor[0].item() == pytest.approx(-0.5004924, **EXACT)
    # the critic's target likewise: 0.05 w + 0.95 w' with w' = (0, 0.1, -0.2)
    (t1, t2), t0 = state.target_critic[0][0].tolist(), state.target_critic[1].item()
    assert (t0, t1, t2) == pytest.approx((-0.00282, 0.09436, -0.194924), **EXACT)
    assert metrics.critic_loss.item() == pytest.approx(0.5 * 0.564**2, **EXACT)


def test_soft_update_moves_by_tau() -> None:
    (moved,) = soft_update((number(1.0),), (number(3.0),), 0.25)
    assert moved.item() == 1.5
