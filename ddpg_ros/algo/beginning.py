"""How a training begins: with drawn networks, or with those of an earlier training.

A warm start makes the first updates different from the later ones. A share of each minibatch comes
from the earlier run's replay buffer, and falls linearly to nothing. If the actor comes without its
critic, the first updates move the critics alone: the gradient of an untrained critic would undo
what the actor has learnt.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ddpg_ros.algo.normaliser import Statistics
from ddpg_ros.algo.program import Program, Run
from ddpg_ros.algo.update import LearnerState
from ddpg_ros.algo.warm_start import WarmStart
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.errors import CheckpointError
from ddpg_ros.types import RecordLayout


class Beginning:
    """What the first updates do; all of it is known from the number of the update."""

    def __init__(
        self, settings: LearnerSection, layout: RecordLayout, warm: WarmStart | None
    ) -> None:
        """Take what the training begins with; None: drawn networks and nothing else."""
        self._settings, self._warm = settings, warm
        has_records = warm is not None and len(warm.records) > 0
        self.room = settings.replay_capacity if has_records else 0
        """Rows of the storage for the earlier run's records, however many it has."""
        is_policy = warm is not None and warm.critics is None
        self.critics_alone = settings.critic_first if is_policy else 0
        """Updates that move the critics alone."""
        self.run: Run = Program(settings, layout, critics_alone=True).eagerly
        """Does these updates."""
        self._raw_until = 0
        if is_policy and settings.normalise_observations:
            self._raw_until = max(1, self.critics_alone)

    @property
    def storage_settings(self) -> LearnerSection:
        """The settings whose `replay_capacity` is the number of rows of the storage."""
        rows = self._settings.replay_capacity + self.room
        return self._settings.model_copy(update={"replay_capacity": rows})

    @property
    def statistics(self) -> Statistics | None:
        """Of the earlier run's observations, with which its networks are normalised."""
        critics = None if self._warm is None else self._warm.critics
        return None if critics is None else Statistics(*critics[2:])

    def state(self, drawn: LearnerState) -> LearnerState:
        """Return the state to begin with.

        Args:
            drawn: fresh networks, for what the warm start lacks.

        Raises:
            CheckpointError: the networks have other sizes.
        """
        warm = self._warm
        if warm is None:
            return drawn
        begun = drawn._replace(
            actor=_like(drawn.actor, warm.actor, "actor"),
            target_actor=_like(drawn.target_actor, warm.target_actor, "target actor"),
        )
        if warm.critics is None:
            return begun
        critics, target, *_ = warm.critics
        return begun._replace(
            critics=_like(drawn.critics, critics, "critics"),
            target_critics=_like(drawn.target_critics, target, "target critics"),
        )

    def is_raw(self, update: int) -> bool:
        """Whether the actor takes raw observations before this update.

        A policy file's actor does. With normalised observations it is converted when it begins to
        learn, as the statistics before are of too few observations to stay what they are.
        """
        return update < self._raw_until

    def earlier(self, update: int, held: int) -> int:
        """Return how many rows of the minibatch of an update are of the earlier run.

        Args:
            update: its number, from 0.
            held: records of the earlier run that there are.
        """
        settings = self._settings
        left = 1.0 - update / settings.earlier_updates
        if not held or left <= 0.0:
            return 0
        return round(settings.earlier_share * left * settings.batch_size)


def _like(model: Tensor, found: NDArray[np.float32], name: str) -> Tensor:
    if found.shape != model.shape:
        raise CheckpointError(
            f"the warm start's {name} has the shape {found.shape}; this learner's is "
            f"{tuple(model.shape)}."
        )
    return torch.from_numpy(found.copy()).to(model.device)
