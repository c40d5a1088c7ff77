"""DDPG's equations, one function each, with options of later algorithms.

DDPG: Lillicrap et al., "Continuous control with deep reinforcement learning", ICLR 2016;
Silver et al., "Deterministic policy gradient algorithms", ICML 2014.
TD3: Fujimoto et al., "Addressing function approximation error in actor-critic methods", ICML 2018.
Clipped targets and penalties: Andrychowicz et al., "Hindsight experience replay", NeurIPS 2017.
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
    discount: Tensor  # (b,) γⁿ, or 0 after termination; truncation keeps γⁿ
    next_observation: Tensor  # (b, o)


def td_target(
    networks: Networks,
    target_actor: Tensor,
    target_critics: Tensor,
    batch: Batch,
    action_noise: Tensor | None = None,
    value_range: Tensor | None = None,
) -> Tensor:
    """Return the target y = r + γ Q_w'(s', μ_θ'(s')), (b,).

    Args:
        networks: actor and critic.
        target_actor: θ', (p,).
        target_critics: w', (c, q). The smallest of their values counts (TD3's clipped double
            Q-learning).
        batch: the minibatch.
        action_noise: (b, a), added to the target action (TD3's target policy smoothing).
        value_range: (2,), to which targets are clipped (Andrychowicz et al., appendix A).
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
    """Return the critics' loss L(w) = ½ E[(Q_w(s, a) − y)²], summed over the critics.

    Args:
        critics: w, (c, q).
        networks: actor and critic.
        batch: the minibatch.
        target: y, (b,).

    Returns:
        The loss, (), and the values Q_w(s, a), (c, b), for the metrics.
    """
    values = _values(networks, critics, batch.observation, batch.action)
    return 0.5 * torch.mean((values - target) ** 2, dim=-1).sum(), values


class Penalties(NamedTuple):
    """Weights of the penalties in the actor's loss, see `LearnerSection`."""

    action: float = 0.0
    preactivation: float = 0.0


def actor_loss(
    actor: Tensor,
    critic: Tensor,
    networks: Networks,
    observation: Tensor,
    penalties: Penalties = Penalties(),  # noqa: B008 (a constant)
) -> tuple[Tensor, Tensor]:
    """Return −J(θ) = −E[Q_w(s, μ_θ(s))] + λ_a E[μ_θ(s)²] + λ_u E[u_θ(s)²], with μ = tanh u.

    The gradient of the first term is the deterministic policy gradient, negated. The penalty on u
    (Andrychowicz et al., appendix A) has a gradient even where tanh is flat, so a saturated actor
    can recover. The penalty on μ is the one in their published code.

    Args:
        actor: θ, (p,).
        critic: w, (q,).
        networks: actor and critic.
        observation: (b, o).
        penalties: λ_a and λ_u.

    Returns:
        The loss, (), and the actions, (b, a), for the metrics.
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
    """Return the new target parameters, τ θ + (1 − τ) θ'."""
    return torch.lerp(target, online, tau)


def _values(networks: Networks, critics: Tensor, observation: Tensor, action: Tensor) -> Tensor:
    return torch.stack([networks.critic(critic, observation, action) for critic in critics])
