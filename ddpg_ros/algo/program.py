"""What the learner computes in one call: several updates, each on its own minibatch.

There is one definition of an update and three ways to run it: `eagerly`, operation by operation;
`in_one_graph`, which `compiled.py` compiles; and as a CUDA graph, see `cuda_graph.py`.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ddpg_ros.algo.losses import Penalties
from ddpg_ros.algo.networks import Mlp, Networks, bf16_matmul, initial_parameters, mlp_networks
from ddpg_ros.algo.normaliser import normalised
from ddpg_ros.algo.optimisers import adam
from ddpg_ros.algo.replay import unpack
from ddpg_ros.algo.update import Hyperparameters, LearnerState, Metrics, update
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.types import RecordLayout

CHUNK = 32
"""Largest number of updates in one call."""

CARRIED = ("rows", "noise", "moments", "value_limit", "value_range")
"""Inputs that each call copies to the learner's device; the storage is there already."""

PER_UPDATE = ("rows", "noise")
"""Inputs with one row for each update of the call."""


class Inputs(NamedTuple):
    """What a call reads besides the learner's state."""

    storage: Tensor  # (rows, width) records of the replay buffer, and of an earlier one
    rows: Tensor  # (CHUNK, b) row numbers of the storage: one minibatch an update
    noise: Tensor  # (CHUNK, b, a) for target policy smoothing, or (CHUNK, 0, 0)
    moments: Tensor  # (2, o) of the observations, see `Normaliser`
    value_limit: Tensor  # () the |Q| above which an update counts as diverged
    value_range: Tensor  # (2,) smallest and largest value that the rewards so far allow
    updates: Tensor  # () number of updates to do, at most CHUNK; on the CPU

    def on(self, device: torch.device) -> "Inputs":
        """Return these inputs on a device; `updates` stays on the CPU."""
        return self._replace(**{name: getattr(self, name).to(device) for name in CARRIED})


Run = Callable[[LearnerState, Inputs], tuple[LearnerState, Tensor]]
"""Does `updates` updates: returns the new state and (CHUNK, m) metrics, one row an update."""


class Program:
    """The update for given settings, as pure functions of tensors."""

    def __init__(
        self, settings: LearnerSection, layout: RecordLayout, critics_alone: bool = False
    ) -> None:
        """Build the networks and hyperparameters.

        Args:
            settings: the learner's settings.
            layout: of the learner's records.
            critics_alone: an update leaves the actor as it is.
        """
        self.settings = settings
        self.layout = layout
        o, a = layout.observation_size, layout.action_size
        matmul = bf16_matmul if settings.matmul_precision == "bf16" else torch.matmul
        self._actor = Mlp([o, *settings.hidden, a], settings.actor_layer_norm, matmul)
        self._critic = Mlp([o + a, *settings.hidden, 1], settings.critic_layer_norm, matmul)
        self.networks: Networks = mlp_networks(self._actor, self._critic)
        """The networks in training, in the precision of the settings."""
        exact = self._actor._replace(matmul=torch.matmul)
        self.policy = mlp_networks(exact, self._critic).actor
        """The actor in use, in float32 whatever the training precision."""
        self._hyper = Hyperparameters(
            tau=settings.tau,
            actor_learning_rate=settings.actor_learning_rate,
            critic_learning_rate=settings.critic_learning_rate,
            policy_delay=settings.policy_delay,
            penalties=Penalties(settings.action_penalty, settings.preactivation_penalty),
            critics_alone=critics_alone,
        )

    def initial_state(self, generator: torch.Generator) -> LearnerState:
        """Draw the networks' parameters on the CPU, so they do not depend on the device."""
        wide, device = self.settings.wide_final_layer, self.settings.device
        actor = initial_parameters(self._actor.sizes, generator, wide)
        critics = [
            initial_parameters(self._critic.sizes, generator, wide)
            for _ in range(self.settings.critics)
        ]
        return LearnerState.initial(actor.to(device), torch.stack(critics).to(device))

    def inputs(self, storage: Tensor) -> Inputs:
        """Return inputs for one update, to be filled; all but `storage` are on the CPU."""
        batch, noisy = self.settings.batch_size, self.settings.target_noise > 0.0
        return Inputs(
            storage=storage,
            rows=torch.zeros((CHUNK, batch), dtype=torch.int64),
            noise=torch.zeros((CHUNK, batch, self.layout.action_size) if noisy else (CHUNK, 0, 0)),
            moments=torch.stack((torch.zeros(o := self.layout.observation_size), torch.ones(o))),
            value_limit=torch.tensor(float("inf")),
            value_range=torch.tensor((-float("inf"), float("inf"))),
            updates=torch.tensor(1),
        )

    def one(
        self, state: LearnerState, inputs: Inputs, k: int | Tensor
    ) -> tuple[LearnerState, Tensor]:
        """Do the k-th update of a call; returns the new state and the metrics, (m,)."""
        batch = unpack(self.layout, inputs.storage[_row(inputs.rows, k)])
        if self.settings.normalise_observations:
            batch = batch._replace(
                observation=normalised(batch.observation, inputs.moments),
                next_observation=normalised(batch.next_observation, inputs.moments),
            )
        noise = _row(inputs.noise, k) if self.settings.target_noise else None
        value_range = inputs.value_range if self.settings.clip_target else None
        state, metrics = update(
            state, batch, self.networks, adam, self._hyper, inputs.value_limit, noise, value_range
        )
        return state, torch.stack(metrics)

    def eagerly(self, state: LearnerState, inputs: Inputs) -> tuple[LearnerState, Tensor]:
        """Do the updates of a call operation by operation, see `Run`."""
        inputs = inputs.on(inputs.storage.device)
        report = torch.zeros((CHUNK, len(Metrics._fields)), device=inputs.storage.device)
        for k in range(int(inputs.updates)):
            state, report[k] = self.one(state, inputs, k)
        return state, report

    def in_one_graph(self, state: LearnerState, inputs: Inputs) -> tuple[LearnerState, Tensor]:
        """Do the same in one loop that compiles to a single graph for any number of updates."""
        report = torch.zeros((CHUNK, len(Metrics._fields)))
        places = torch.arange(CHUNK)[:, None]

        def unfinished(k: Tensor, state: LearnerState, report: Tensor) -> Tensor:
            return k < inputs.updates

        def body(
            k: Tensor, state: LearnerState, report: Tensor
        ) -> tuple[Tensor, LearnerState, Tensor]:
            state, metrics = self.one(state, inputs, k)
            return k + 1, state, torch.where(places == k, metrics, report)

        first = torch.zeros((), dtype=torch.int64)
        _, state, report = torch.while_loop(  # type: ignore[no-untyped-call]
            unfinished, body, (first, state, report)
        )
        return state, report


def _row(tensor: Tensor, k: int | Tensor) -> Tensor:
    return tensor[k] if isinstance(k, int) else tensor.index_select(0, k.reshape(1))[0]
