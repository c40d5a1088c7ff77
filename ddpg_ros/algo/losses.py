"""DDPG's equations, a function each, with the switches of its descendants.

Lillicrap et al., "Continuous control with deep reinforcement learning", ICLR 2016;
Silver et al., "Deterministic policy gradient algorithms", ICML 2014;
Fujimoto et al., "Addressing function approximation error in actor-critic methods", ICML 2018: TD3;
Andrychowicz et al., "Hindsight experience replay", NeurIPS 2017: what it adds to DDPG.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ddpg_ros.algo.networks import Networks


class Batch(NamedTuple):
    """A minibatch of transitions, each over one step or several."""

    observation: Tensor  # (b, o)
    action: Tensor  # (b, a)
    reward: Tensor  # (b,) r, or Σ γ^k r_k over n steps
    discount: Tensor  # (b,) γⁿ, or 0 where the episode ended by itself, not by a time limit
    next_observation: Tensor  # (b, o)


def td_target(
    networks: Networks,
    target_actor: Tensor,
    target_critics: Tensor,
    batch: Batch,
    action_noise: Tensor | None = None,
    value_range: Tensor | None = None,
) -> Tensor:
    """Y = r + γ Q_w'(s', μ_θ'(s')), (b,).

    Of several critics, (c, p), the least value counts, and `action_noise`, (b, a), is added to
    the target action: clipped double Q-learning and target policy smoothing (TD3). Targets are
    clipped to `value_range`, (2,), as in Andrychowicz et al. (2017), appendix A.
    """
    next_action = networks.actor(target_actor, batch.next_observation)
    if action_noise is not None:
        next_action = (next_action + action_noise).clamp(-1.0, 1.0)
    next_value = _values(networks, target_critics, batch.next_observation, next_action)
    target = batch.reward + batch.discount * next_value.amin(0)
    return target if value_range is None else target.clamp(value_range[0], value_range[1])


def critic_loss(
    critics: Tensor, networks: Networks, batch: Batch, target: Tensor
) -> tuple[Tensor, Tensor]:
    """L(w) = ½ E[(Q_w(s, a) − y)²], summed over the critics, (c, p).

    Returns:
        The loss, (), and the values Q_w(s, a), (c, b), to report.
    """
    values = _values(networks, critics, batch.observation, batch.action)
    return 0.5 * torch.mean((values - target) ** 2, dim=-1).sum(), values


class Penalties(NamedTuple):
    """Weights of means over (b, a) in the actor's loss; the meaning is in `LearnerSection`."""

    action: float = 0.0
    preactivation: float = 0.0


def actor_loss(
    actor: Tensor,
    critic: Tensor,
    networks: Networks,
    observation: Tensor,
    penalties: Penalties = Penalties(),  # noqa: B008 (a constant)
) -> tuple[Tensor, Tensor]:
    """−J(θ) = −E[Q_w(s, μ_θ(s))] + λ_a E[μ_θ(s)²] + λ_u E[u_θ(s)²], with μ = tanh u.

    The gradient of the first term is the deterministic policy gradient, negated. The third is the
    penalty of Andrychowicz et al. (2017), appendix A: it still has a slope where tanh has none,
    and keeps an actor from saturating for good. The second is that of its published code.

    Returns:
        The loss, (), and the actions, (b, a), to report.
    """
    preactivation = networks.preactivation(actor, observation)
    action = networks.squash(preactivation)
    loss = -torch.mean(networks.critic(critic, observation, action))
    if penalties.action:
        loss = loss + penalties.action * torch.mean(action**2)
    if penalties.preactivation:
        loss = loss + penalties.preactivation * torch.mean(preactivation**2)
    return loss, action


def soft_update(target: Tensor, online: Tensor, tau: float) -> Tensor:
    """θ' ← τ θ + (1 − τ) θ'."""
    return torch.lerp(target, online, tau)


def _values(networks: Networks, critics: Tensor, observation: Tensor, action: Tensor) -> Tensor:
    return torch.stack([networks.critic(critic, observation, action) for critic in critics])
