"""DDPG's equations, a function each.

Lillicrap et al., "Continuous control with deep reinforcement learning", ICLR 2016;
Silver et al., "Deterministic policy gradient algorithms", ICML 2014.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ddpg_ros.algo.networks import Networks, Parameters


class Batch(NamedTuple):
    """A minibatch of transitions."""

    observation: Tensor  # (b, o)
    action: Tensor  # (b, a)
    reward: Tensor  # (b,)
    terminated: Tensor  # (b,) 1 where the episode ended by itself, not by a time limit
    next_observation: Tensor  # (b, o)


def td_target(
    networks: Networks,
    target_actor: Parameters,
    target_critic: Parameters,
    batch: Batch,
    discount: float,
) -> Tensor:
    """Y = r + γ (1 − terminated) Q_w'(s', μ_θ'(s')), (b,)."""
    next_action = networks.actor(target_actor, batch.next_observation)
    next_value = networks.critic(target_critic, batch.next_observation, next_action)
    return batch.reward + discount * (1.0 - batch.terminated) * next_value


def critic_loss(
    critic: Parameters, networks: Networks, batch: Batch, target: Tensor
) -> tuple[Tensor, Tensor]:
    """L(w) = ½ E[(Q_w(s, a) − y)²].

    Returns:
        The loss, (), and the values Q_w(s, a), (b,), to report.
    """
    value = networks.critic(critic, batch.observation, batch.action)
    return 0.5 * torch.mean((value - target) ** 2), value


def actor_loss(
    actor: Parameters, critic: Parameters, networks: Networks, observation: Tensor
) -> Tensor:
    """−J(θ) = −E[Q_w(s, μ_θ(s))]: its gradient is the deterministic policy gradient, negated."""
    return -torch.mean(networks.critic(critic, observation, networks.actor(actor, observation)))


def soft_update(target: Parameters, online: Parameters, tau: float) -> Parameters:
    """θ' ← τ θ + (1 − τ) θ'."""
    return tuple(torch._foreach_lerp(target, online, tau))
