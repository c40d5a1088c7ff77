"""One DDPG update, a pure function: critic step, actor step, soft target update."""

from typing import NamedTuple

from torch import Tensor
from torch.func import grad_and_value

from ddpg_ros.algo.losses import Batch, actor_loss, critic_loss, soft_update, td_target
from ddpg_ros.algo.networks import Networks, Parameters
from ddpg_ros.algo.optimisers import Optimiser, OptimiserState, initial_state


class LearnerState(NamedTuple):
    """All that one update reads and writes."""

    actor: Parameters
    critic: Parameters
    target_actor: Parameters
    target_critic: Parameters
    actor_optimiser: OptimiserState
    critic_optimiser: OptimiserState

    @classmethod
    def initial(cls, actor: Parameters, critic: Parameters) -> "LearnerState":
        """Begin with targets equal to the networks: θ' ← θ, w' ← w."""
        return cls(actor, critic, actor, critic, initial_state(actor), initial_state(critic))


class Metrics(NamedTuple):
    """What an update reports, each ()."""

    critic_loss: Tensor
    actor_loss: Tensor
    q_mean: Tensor


class Hyperparameters(NamedTuple):
    """The numbers of the update; the meaning of each is in `LearnerSection`."""

    discount: float
    tau: float
    actor_learning_rate: float
    critic_learning_rate: float


def update(
    state: LearnerState,
    batch: Batch,
    networks: Networks,
    optimiser: Optimiser,
    hyper: Hyperparameters,
) -> tuple[LearnerState, Metrics]:
    """Do one DDPG update; the actor follows the critic that has just been updated."""
    target = td_target(networks, state.target_actor, state.target_critic, batch, hyper.discount)
    critic_gradient, (loss, value) = grad_and_value(critic_loss, has_aux=True)(
        state.critic, networks, batch, target
    )
    critic, critic_optimiser = optimiser(
        state.critic, critic_gradient, state.critic_optimiser, hyper.critic_learning_rate
    )
    actor_gradient, negative_return = grad_and_value(actor_loss)(
        state.actor, critic, networks, batch.observation
    )
    actor, actor_optimiser = optimiser(
        state.actor, actor_gradient, state.actor_optimiser, hyper.actor_learning_rate
    )
    return LearnerState(
        actor,
        critic,
        soft_update(state.target_actor, actor, hyper.tau),
        soft_update(state.target_critic, critic, hyper.tau),
        actor_optimiser,
        critic_optimiser,
    ), Metrics(loss, negative_return, value.mean())
