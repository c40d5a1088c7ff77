"""One DDPG update as a pure function: critic step, actor step, soft target update."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad_and_value

from ddpg_ros.algo.losses import Batch, Penalties, actor_loss, critic_loss, soft_update, td_target
from ddpg_ros.algo.networks import Networks
from ddpg_ros.algo.optimisers import Optimiser, OptimiserState, initial_state

SATURATED = 0.99
"""|a| above which an action counts as saturated: the gradient of tanh nearly vanishes there."""


class LearnerState(NamedTuple):
    """The tensors that an update reads and writes."""

    actor: Tensor  # (p,)
    critics: Tensor  # (c, q): one critic, or TD3's two
    target_actor: Tensor  # (p,)
    target_critics: Tensor  # (c, q)
    actor_optimiser: OptimiserState
    critic_optimiser: OptimiserState
    updates: Tensor  # () done so far; an integer, as a float32 cannot count beyond 2²⁴

    @classmethod
    def initial(cls, actor: Tensor, critics: Tensor) -> "LearnerState":
        """Return the state before the first update, with θ' = θ and w' = w."""
        return cls(
            actor,
            critics,
            actor.clone(),
            critics.clone(),
            initial_state(actor),
            initial_state(critics),
            torch.zeros((), dtype=torch.int64, device=actor.device),
        )


class Metrics(NamedTuple):
    """What an update reports, each a scalar tensor."""

    critic_loss: Tensor
    actor_loss: Tensor
    q_mean: Tensor
    q_min: Tensor
    q_max: Tensor
    critic_gradient_norm: Tensor
    actor_gradient_norm: Tensor
    saturation: Tensor  # share of the actor's actions on the minibatch that are saturated
    skipped: Tensor  # 1 if the update diverged and was skipped, else 0


class Hyperparameters(NamedTuple):
    """The numbers of the update, see `LearnerSection`."""

    tau: float
    actor_learning_rate: float
    critic_learning_rate: float
    policy_delay: int = 1
    penalties: Penalties = Penalties()
    critics_alone: bool = False  # the actor and its target stay as they are


def update(
    state: LearnerState,
    batch: Batch,
    networks: Networks,
    optimiser: Optimiser,
    hyper: Hyperparameters,
    value_limit: Tensor,
    action_noise: Tensor | None = None,
    value_range: Tensor | None = None,
) -> tuple[LearnerState, Metrics]:
    """Do one DDPG update; the actor step uses the critic that has just been updated.

    An update diverges if a loss or gradient is not finite, or if |Q| or |y| exceeds
    `value_limit`. A diverged update leaves the state unchanged.

    Args:
        state: before the update.
        batch: the minibatch.
        networks: actor and critic.
        optimiser: applies a gradient to parameters.
        hyper: the numbers.
        value_limit: (), the largest |Q| and |y| that do not count as divergence.
        action_noise: (b, a), smooths the target policy (TD3); None adds none.
        value_range: (2,), to which targets are clipped; None clips none.

    Returns:
        The new state and the metrics.
    """
    target = td_target(
        networks, state.target_actor, state.target_critics, batch, action_noise, value_range
    )
    critic_gradient, c_loss, values = _differentiate(
        critic_loss, state.critics, networks, batch, target
    )
    critics, critic_optimiser = optimiser(
        state.critics, critic_gradient, state.critic_optimiser, hyper.critic_learning_rate
    )
    actor_gradient, a_loss, actions = _differentiate(
        actor_loss, state.actor, critics[0], networks, batch.observation, hyper.penalties
    )
    actor, actor_optimiser = optimiser(
        state.actor, actor_gradient, state.actor_optimiser, hyper.actor_learning_rate
    )
    new = LearnerState(
        actor,
        critics,
        soft_update(state.target_actor, actor, hyper.tau),
        soft_update(state.target_critics, critics, hyper.tau),
        actor_optimiser,
        critic_optimiser,
        state.updates + 1,
    )
    if hyper.policy_delay > 1:  # TD3: only every d-th update moves the actor and the targets
        delayed = new.updates % hyper.policy_delay != 0
        new = _choose(delayed, state, new)._replace(
            critics=critics, critic_optimiser=critic_optimiser, updates=new.updates
        )
    if hyper.critics_alone:
        new = new._replace(
            actor=state.actor,
            target_actor=state.target_actor,
            actor_optimiser=state.actor_optimiser,
        )
    norms = torch.linalg.vector_norm(critic_gradient), torch.linalg.vector_norm(actor_gradient)
    finite = torch.isfinite(c_loss + a_loss + norms[0] + norms[1])
    largest = torch.maximum(values.abs().amax(), target.abs().amax())
    diverged = ~(finite & (largest <= value_limit))
    metrics = Metrics(
        critic_loss=c_loss,
        actor_loss=a_loss,
        q_mean=values.mean(),
        q_min=values.amin(),
        q_max=values.amax(),
        critic_gradient_norm=norms[0],
        actor_gradient_norm=norms[1],
        saturation=(actions.abs() > SATURATED).float().mean(),
        skipped=diverged.float(),
    )
    return _choose(diverged, state, new), metrics


Loss = Callable[..., tuple[Tensor, Tensor]]


def _differentiate(
    loss: Loss, parameters: Tensor, *arguments: object
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient of a loss in `parameters`, its value and its auxiliary output.

    The compiler can trace `torch.func` inside a loop, but not autograd. In eager mode
    `torch.func` takes twice as long, because it keeps the graph for a second derivative.
    """
    if torch.compiler.is_compiling():
        gradient, (value, auxiliary) = grad_and_value(loss, has_aux=True)(parameters, *arguments)
        return gradient, value, auxiliary
    with torch.enable_grad():
        leaf = parameters.detach().requires_grad_()
        value, auxiliary = loss(leaf, *arguments)
        (gradient,) = torch.autograd.grad(value, leaf)
    return gradient, value.detach(), auxiliary.detach()


def combine(
    function: Callable[[Tensor, Tensor], Tensor], one: LearnerState, other: LearnerState
) -> LearnerState:
    """Return the state whose tensors are `function` of the two states' tensors, pairwise."""
    return LearnerState(
        function(one.actor, other.actor),
        function(one.critics, other.critics),
        function(one.target_actor, other.target_actor),
        function(one.target_critics, other.target_critics),
        OptimiserState(*map(function, one.actor_optimiser, other.actor_optimiser)),
        OptimiserState(*map(function, one.critic_optimiser, other.critic_optimiser)),
        function(one.updates, other.updates),
    )


def _choose(condition: Tensor, one: LearnerState, other: LearnerState) -> LearnerState:
    """Return `one` if the condition, (), holds, else `other`."""
    return combine(lambda left, right: torch.where(condition, left, right), one, other)
