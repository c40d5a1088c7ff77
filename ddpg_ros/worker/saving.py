"""The worker's policy and checkpoint on the disk: saved regularly, restored after a restart.

A write that fails is logged and tried again later: a full disk does not end a training.
"""

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ddpg_ros.algo.checkpoint import newest_checkpoint, save_checkpoint
from ddpg_ros.algo.learner import Learner
from ddpg_ros.config.run_directory import CHECKPOINTS, POLICY
from ddpg_ros.control.policy import GOLDEN_PAIRS, save_policy
from ddpg_ros.errors import CheckpointError
from ddpg_ros.files.last_resort import keep
from ddpg_ros.worker.messages import WorkerEndpoint

_LOG = logging.getLogger(__name__)

SAVE_EVERY = 30.0  # [s]


class RunSaver:
    """Saves a learner's policy and checkpoint, and restores the learner."""

    def __init__(self, endpoint: WorkerEndpoint) -> None:
        """Take the run directory and what the policy is for."""
        self._endpoint = endpoint
        self._saved_at = time.monotonic()
        self._complained = False
        self.policy = endpoint.run_dir / POLICY
        """The policy file."""
        self._checkpoints = endpoint.run_dir / CHECKPOINTS

    @property
    def due(self) -> bool:
        """Whether the last attempt to save is `SAVE_EVERY` ago."""
        return time.monotonic() - self._saved_at > SAVE_EVERY

    def save(self, learner: Learner) -> str:
        """Write checkpoint and policy; return why that failed, or nothing.

        The checkpoint is written first, so that a crash between the two writes never leaves a
        policy without its checkpoint.
        """
        writes = (self._save_checkpoint, self._save_policy)
        reasons = "; ".join(filter(None, (_attempt(write, learner) for write in writes)))
        if reasons and not self._complained:
            _LOG.warning("%s. What was saved before is whole; it tries again later.", reasons)
        elif self._complained and not reasons:
            _LOG.info("saved; there is room again.")
        self._complained = bool(reasons)
        self._saved_at = time.monotonic()
        return reasons

    def save_last(self, learner: Learner, patience: float) -> Path | None:
        """Save at the end: try for a while, and then save to another disk.

        Args:
            learner: what to save.
            patience: how long to try again [s].

        Returns:
            The policy of the learner's last update, or None if no disk takes it.
        """
        if not self.save(learner):
            return self.policy
        path, why = keep(self.policy, lambda place: self._save_policy(learner, place), patience)
        if why:
            _LOG.warning("%s.", why)
        else:
            self.save(learner)  # the checkpoint, too
        return path

    def _save_checkpoint(self, learner: Learner) -> None:
        settings, layout = self._endpoint.config.learner, self._endpoint.layout
        save_checkpoint(self._checkpoints, learner.checkpoint(), settings, layout)

    def _save_policy(self, learner: Learner, path: Path | None = None) -> None:
        about = dataclasses.replace(
            self._endpoint.about, steps=learner.steps, updates=learner.updates
        )
        rng = np.random.default_rng(about.seed)
        size = (GOLDEN_PAIRS, about.sizes[0])
        observations = rng.uniform(-1.0, 1.0, size).astype(np.float32)
        with torch.no_grad():
            answers = learner.act(observations)
        save_policy(path or self.policy, about, learner.policy_weights(), observations, answers)

    def restore(self, learner: Learner) -> None:
        """Restore a fresh learner from the newest checkpoint of the run.

        If nothing was saved yet, the learner stays fresh: less than `SAVE_EVERY` is lost.

        Raises:
            CheckpointError: something was saved and no checkpoint verifies. A fresh learner would
                let untrained networks drive the arm and overwrite a trained policy.
        """
        settings, layout = self._endpoint.config.learner, self._endpoint.layout
        newest, refusals = newest_checkpoint(
            self._checkpoints, learner.checkpoint(), settings, layout
        )
        for refusal in refusals:
            _LOG.warning(refusal)
        if newest is not None:
            learner.restore(newest)
            _LOG.info(
                "revived from the checkpoint of step %d, update %d.", newest.steps, newest.updates
            )
        elif refusals or self.policy.exists():
            raise CheckpointError(
                "the learner was lost and no checkpoint of it can be used: "
                f"{' '.join(refusals) or 'none could be written.'} The policy saved last is in "
                "the run directory."
            )
        else:
            _LOG.warning("revived before its first checkpoint; it begins with fresh networks.")


def _attempt(write: Callable[[Learner], None], learner: Learner) -> str:
    """Return why a write failed, or nothing."""
    try:
        write(learner)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return f"could not save{where}: {error.strerror or error}"
    return ""
