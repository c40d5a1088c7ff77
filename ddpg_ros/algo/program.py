"""What the learner computes in one call: some updates in a row, each on a minibatch of its own.

One definition of that, and three ways to run it: `eagerly`, operation by operation;
`in_one_graph`, which `compiled.py` compiles; and replayed from a CUDA graph (`cuda_graph.py`).
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
from ddpg_ros.config.settings import LearnerSection
from ddpg_ros.types import RecordLayout

CHUNK = 32
"""Most updates in one call."""


CARRIED = ("rows", "noise", "moments", "value_limit", "value_range")
"""Of the inputs, what each call carries to the learner's device; the storage is there already."""

ONE_EACH = ("rows", "noise")
"""Of these, what has a row for each update of the call."""


class Inputs(NamedTuple):
    """What a call reads beside the learner's state."""

    storage: Tensor  # (capacity, width) the replay's records
    rows: Tensor  # (CHUNK, b) of the storage, a minibatch each
    noise: Tensor  # (CHUNK, b, a) on the target's actions, or (CHUNK, 0, 0)
    moments: Tensor  # (2, o) of the observations, see `Normaliser`
    value_limit: Tensor  # () what no value can reach
    value_range: Tensor  # (2,) the least and the greatest value that the rewards so far allow
    updates: Tensor  # () to do, at most CHUNK; on the CPU

    def on(self, device: torch.device) -> "Inputs":
        """Return the same on a device."""
        return self._replace(**{name: getattr(self, name).to(device) for name in CARRIED})


Run = Callable[[LearnerState, Inputs], tuple[LearnerState, Tensor]]
"""Does `updates` updates: the state after them, and (CHUNK, m) metrics, a row for each."""


class Program:
    """The update of one configuration, as pure functions of tensors."""

    def __init__(self, settings: LearnerSection, layout: RecordLayout) -> None:
        """Choose networks and numbers."""
        self.settings = settings
        self.layout = layout
        o, a = layout.observation_size, layout.action_size
        matmul = bf16_matmul if settings.matmul_precision == "bf16" else torch.matmul
        self._actor = Mlp([o, *settings.hidden, a], settings.actor_layer_norm, matmul)
        self._critic = Mlp([o + a, *settings.hidden, 1], settings.critic_layer_norm, matmul)
        self.networks: Networks = mlp_networks(self._actor, self._critic)
        """As they are trained, in the precision of the settings."""
        exact = self._actor._replace(matmul=torch.matmul)
        self.policy = mlp_networks(exact, self._critic).actor
        """The actor as it is used, in float32 whatever it was trained in."""
        self._hyper = Hyperparameters(
            tau=settings.tau,
            actor_learning_rate=settings.actor_learning_rate,
            critic_learning_rate=settings.critic_learning_rate,
            policy_delay=settings.policy_delay,
            penalties=Penalties(settings.action_penalty, settings.preactivation_penalty),
        )

    def initial_state(self, generator: torch.Generator) -> LearnerState:
        """Draw the networks; on the CPU, so that they are the same on every device."""
        wide, device = self.settings.wide_final_layer, self.settings.device
        actor = initial_parameters(self._actor.sizes, generator, wide)
        critics = [
            initial_parameters(self._critic.sizes, generator, wide)
            for _ in range(self.settings.critics)
        ]
        return LearnerState.initial(actor.to(device), torch.stack(critics).to(device))

    def inputs(self, storage: Tensor) -> Inputs:
        """Return inputs to fill, on the CPU but for the storage; they ask for one update."""
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
        """Do the k-th update of a call."""
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
        """Do the updates one operation after the other."""
        inputs = inputs.on(inputs.storage.device)
        report = torch.zeros((CHUNK, len(Metrics._fields)), device=inputs.storage.device)
        for k in range(int(inputs.updates)):
            state, report[k] = self.one(state, inputs, k)
        return state, report

    def in_one_graph(self, state: LearnerState, inputs: Inputs) -> tuple[LearnerState, Tensor]:
        """Do the same as one loop that a compiler can take whole, whatever the number."""
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
