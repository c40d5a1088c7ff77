"""The learner: networks, replay and generators, and how many updates are due."""

from collections.abc import Sequence

import numpy as np
import torch

from ddpg_ros.algo.networks import Networks, Parameters, actor, critic, initial_parameters
from ddpg_ros.algo.optimisers import adam
from ddpg_ros.algo.replay import Replay
from ddpg_ros.algo.update import Hyperparameters, LearnerState, Metrics, update
from ddpg_ros.config import LearnerSection
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout, Vector32


class Learner:
    """DDPG behind three calls: `add` transitions, `update` while `due`, `actor_weights`."""

    def __init__(self, settings: LearnerSection, layout: RecordLayout, seed: int) -> None:
        """Draw the networks and reserve the replay.

        Raises:
            MachineError: the device is not there.
        """
        _require_device(settings.device)
        torch.set_num_threads(settings.threads)
        self._settings = settings
        self._networks = Networks(actor, critic)
        self._generator = torch.Generator(settings.device).manual_seed(seed)
        sizes = layer_sizes(layout.observation_size, settings.hidden, layout.action_size)
        critic_sizes = layer_sizes(
            layout.observation_size + layout.action_size, settings.hidden, 1
        )
        draw = torch.Generator().manual_seed(seed)  # the same networks on every device
        self.state = LearnerState.initial(
            _to(settings.device, initial_parameters(sizes, draw)),
            _to(settings.device, initial_parameters(critic_sizes, draw)),
        )
        self._hyper = Hyperparameters(
            discount=settings.discount,
            tau=settings.tau,
            actor_learning_rate=settings.actor_learning_rate,
            critic_learning_rate=settings.critic_learning_rate,
        )
        self.replay = Replay(settings.replay_capacity, layout, settings.device)
        self.steps = 0
        self.updates = 0

    def add(self, records: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
        """Store transitions, (k, width)."""
        self.replay.add(torch.from_numpy(records))
        self.steps += len(records)

    @property
    def due(self) -> int:
        """Updates owed: `update_to_data` for each step after the warm-up."""
        learning = max(0, self.steps - self._settings.warmup_steps)
        return int(learning * self._settings.update_to_data) - self.updates

    def update(self) -> Metrics:
        """Sample a minibatch and do one DDPG update."""
        batch = self.replay.sample(self._settings.batch_size, self._generator)
        self.state, metrics = update(self.state, batch, self._networks, adam, self._hyper)
        self.updates += 1
        return metrics

    def actor_weights(self) -> Vector32:
        """Return the actor's parameters as one flat vector, layer by layer."""
        flat = torch.cat([tensor.reshape(-1) for tensor in self.state.actor])
        weights: Vector32 = flat.cpu().numpy()
        return weights

    def act(self, observation: Vector32) -> Vector32:
        """Return the actor's own answer, (b, o) → (b, a): the reference for policy files."""
        inputs = torch.from_numpy(observation).to(self._settings.device)
        answer: Vector32 = actor(self.state.actor, inputs).cpu().numpy()
        return answer


def layer_sizes(inputs: int, hidden: Sequence[int], outputs: int) -> list[int]:
    """Sizes of an MLP from input to output."""
    return [inputs, *hidden, outputs]


def _require_device(name: str) -> None:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise MachineError(
            f"learner.device is {name!r}, which torch does not know; expected cpu, cuda or "
            "cuda:N, N the number of the device."
        ) from None
    if device.type != "cuda":
        return
    if not torch.cuda.is_available():
        raise MachineError(
            f"learner.device is {name}, and torch {torch.__version__} sees no CUDA device here; "
            "set learner.device: cpu, or install a CUDA build of torch."
        )
    count = torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise MachineError(
            f"learner.device is {name}, and this machine has {count} CUDA devices, numbered "
            f"from 0; expected at most cuda:{count - 1}."
        )


def _to(device: str, parameters: Parameters) -> Parameters:
    return tuple(tensor.to(device) for tensor in parameters)
