"""The worker's policy and checkpoints on the disk: saved regularly, restored after a loss.

A checkpoint is a generation (`files/generations.py`): the learner's file, the control side's
state, and references to the replay buffer's segments and to the logs as long as they are.

A write that fails is logged and tried again later: a full disk does not end a training.
"""

import dataclasses
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ddpg_ros.algo.checkpoint import checkpoint_bytes, load_checkpoint
from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.networks_in_file import LEARNER
from ddpg_ros.config.run_directory import CHECKPOINTS, POLICY
from ddpg_ros.control.policy import GOLDEN_PAIRS, save_policy
from ddpg_ros.errors import CheckpointError
from ddpg_ros.files.folder_lock import FolderInUseError, hold_folder
from ddpg_ros.files.generations import (
    Generation,
    newest_generation,
    next_number,
    prune,
    read_generation,
    referred,
    write_generation,
)
from ddpg_ros.files.last_resort import keep
from ddpg_ros.worker.document import check_document
from ddpg_ros.worker.messages import WorkerEndpoint
from ddpg_ros.worker.metrics_log import MetricsLog
from ddpg_ros.worker.replay_files import ReplayFiles

_LOG = logging.getLogger(__name__)

_PATIENCE = 20.0  # [s] for the worker of a killed agent to end
_MINUTE = 60.0  # [s]
_OVERDUE = 2.0  # intervals without the end of an episode, after which the policy is saved anyway


class Course(NamedTuple):
    """Where the training stands as the control side sees it."""

    step: int  # transitions that it handed over
    control: dict[str, Any] | None = None  # its state at the last end of an episode, JSON
    exact: bool = False  # whether that is now, so that a resumed run repeats to the last bit


class RunSaver:
    """Saves a learner's policy and checkpoints, and restores the learner."""

    def __init__(self, endpoint: WorkerEndpoint) -> None:
        """Take the run directory and what the policy is for."""
        self._endpoint = endpoint
        self._run, self._layout = endpoint.config.run, endpoint.layout
        self._saved_at, self._saved_step = time.monotonic(), 0
        self._complained = False
        self.policy = endpoint.run_dir / POLICY
        """The policy file."""
        self._checkpoints = endpoint.run_dir / CHECKPOINTS
        capacity = endpoint.config.learner.replay_capacity
        self._replay = ReplayFiles(endpoint.run_dir, capacity, self._layout.width)
        self.has_generation = False
        """Whether this process has written a checkpoint, or restored one."""
        self.has_tried = False
        """Whether it has tried to."""
        self._exact: Path | None = None  # the newest checkpoint from which a run repeats

    def keep_others_out(self) -> ExitStack:
        """Keep other workers from this run's checkpoints until the result is closed.

        A worker whose agent was killed may live for a moment, and may be writing.

        Raises:
            CheckpointError: another one does not end.
        """
        with ExitStack() as stack:
            try:
                self._checkpoints.mkdir(exist_ok=True)
                stack.enter_context(hold_folder(self._checkpoints, _PATIENCE))
            except FolderInUseError as holder:
                raise CheckpointError(
                    f"{self._checkpoints} is in use by another learner, {holder}; wait until it "
                    "has ended, or end it."
                ) from None
            except OSError as error:  # a later save says so too, and is tried again
                _LOG.warning("cannot make %s: %s.", self._checkpoints, error.strerror or error)
            return stack.pop_all()

    def due(self, step: int) -> bool:
        """Whether a checkpoint is due by `run.checkpoint_every` or `run.checkpoint_minutes`.

        Args:
            step: transitions that the control side handed over.
        """
        every = self._run.checkpoint_every
        by_steps = bool(every) and step - self._saved_step >= every
        return by_steps or self._age > _MINUTE * self._run.checkpoint_minutes

    @property
    def overdue(self) -> bool:
        """Whether there was no end of an episode for so long that the policy has to be saved."""
        return self._age > _OVERDUE * _MINUTE * self._run.checkpoint_minutes

    @property
    def _age(self) -> float:
        return time.monotonic() - self._saved_at

    def save(self, learner: Learner, course: Course, log: MetricsLog) -> str:
        """Write a checkpoint and the policy; return why that failed, or nothing.

        The checkpoint is written first, so that a crash between the two writes never leaves a
        policy without its checkpoint.
        """
        self.has_tried = True

        def save_generation(_: Path) -> None:
            self._save_generation(learner, course, log)

        reasons = (
            _why_not(save_generation, self._checkpoints),
            _why_not(lambda path: self._save_policy(learner, path), self.policy),
        )
        self._saved_step = course.step
        return self._report("; ".join(filter(None, reasons)))

    def save_policy(self, learner: Learner) -> str:
        """Write the policy alone; return why that failed, or nothing."""
        return self._report(_why_not(lambda path: self._save_policy(learner, path), self.policy))

    def _report(self, reasons: str) -> str:
        if reasons and not self._complained:
            _LOG.warning("%s. What was saved before is whole; it tries again later.", reasons)
        elif self._complained and not reasons:
            _LOG.info("saved; there is room again.")
        self._complained = bool(reasons)
        self._saved_at = time.monotonic()
        return reasons

    def save_last(self, learner: Learner, save: Callable[[], str], patience: float) -> Path | None:
        """Save at the end: try for a while, and then save the policy to another disk.

        Args:
            learner: what to save.
            save: writes what belongs into the run directory; returns why that failed, or nothing.
            patience: how long to try again [s].

        Returns:
            The policy of the learner's last update, or None if no disk takes it.
        """
        if not save():
            return self.policy
        path, why = keep(self.policy, lambda place: self._save_policy(learner, place), patience)
        if why:
            _LOG.warning("%s.", why)
        else:
            save()  # the checkpoint, too
        return path

    def _save_generation(self, learner: Learner, course: Course, log: MetricsLog) -> None:
        folder, settings = self._checkpoints, self._endpoint.config.learner
        folder.mkdir(exist_ok=True)
        number = next_number(folder)
        self._replay.write(learner.replay, number)
        about = dataclasses.asdict(self._endpoint.about)
        document = {
            **course._asdict(),
            "updates": learner.updates,
            "about": about,
            "torch": torch.__version__,
            "replay": self._replay.describe(learner.replay),
            "events": log.event_files(),
        }
        files = {LEARNER: checkpoint_bytes(learner.checkpoint(), settings, self._layout)}
        grown = self._replay.extents() | log.extent()
        path = write_generation(folder, number, files, grown, document)
        self.has_generation = True
        if course.exact:
            self._exact = path
        kept = prune(folder, self._exact)
        self._replay.remove_unused(set().union(*map(referred, kept)))

    def _save_policy(self, learner: Learner, path: Path) -> None:
        about = dataclasses.replace(
            self._endpoint.about, steps=learner.steps, updates=learner.updates
        )
        rng = np.random.default_rng(about.seed)
        size = (GOLDEN_PAIRS, about.sizes[0])
        observations = rng.uniform(-1.0, 1.0, size).astype(np.float32)
        with torch.no_grad():
            answers = learner.act(observations)
        save_policy(path, about, learner.policy_weights(), observations, answers)

    def resume(self, learner: Learner, path: Path) -> Generation:
        """Restore a fresh learner from a generation of an earlier process of this run.

        Raises:
            CheckpointError: it does not verify, or is of another learner.
        """
        generation = read_generation(path, self._endpoint.run_dir, check_document)
        self._restore(learner, generation)
        return generation

    def revive(self, learner: Learner) -> Generation | None:
        """Restore a fresh learner from the newest checkpoint of the run, after a loss.

        If nothing was saved yet, the learner stays fresh: only the beginning is lost.

        Returns:
            The checkpoint; None if there is none.

        Raises:
            CheckpointError: something was saved and no checkpoint verifies. A fresh learner would
                let untrained networks drive the arm and overwrite a trained policy.
        """
        newest, refusals = newest_generation(
            self._checkpoints, self._endpoint.run_dir, check_document
        )
        for refusal in refusals:
            _LOG.warning(refusal)
        if newest is not None:
            self._restore(learner, newest)
            _LOG.info(
                "revived from the checkpoint of step %d, update %d.",
                learner.steps,
                learner.updates,
            )
            return newest
        if refusals or self.policy.exists():
            raise CheckpointError(
                "the learner was lost and no checkpoint of it can be used: "
                f"{' '.join(refusals) or 'none could be written.'} The policy saved last is in "
                "the run directory."
            )
        networks = "those of run.init_from" if self._run.init_from else "fresh networks"
        _LOG.warning("revived before its first checkpoint; it begins with %s.", networks)
        return None

    def _restore(self, learner: Learner, generation: Generation) -> None:
        settings = self._endpoint.config.learner
        path = generation.path / LEARNER
        learner.restore(load_checkpoint(path, learner.checkpoint(), settings, self._layout))
        self._replay.restore(learner.replay, generation)
        self.has_generation = self.has_tried = True
        self._saved_step = int(generation.document["step"])
        if generation.document["exact"]:
            self._exact = generation.path


def _why_not(write: Callable[[Path], None], path: Path) -> str:
    """Return why a write failed, or nothing."""
    try:
        write(path)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return f"could not save{where}: {error.strerror or error}"
    return ""
