"""The training: a worker that learns, the actor that feeds it, and the policy that they leave."""

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ddpg_ros.config.run_directory import POLICY
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import GOLDEN_PAIRS, Policy, PolicyAbout, load_policy, save_policy
from ddpg_ros.errors import CheckpointError, LearnerDiedError
from ddpg_ros.files.last_resort import keep
from ddpg_ros.training.learning_actor import LearningActor
from ddpg_ros.training.memory_check import available_memory, require_disk, require_room
from ddpg_ros.training.resuming import Resumed
from ddpg_ros.training.seeds import (
    ACTOR_STREAM,
    generator_state,
    restore_generator,
    stream,
)
from ddpg_ros.types import Episode
from ddpg_ros.worker.client import WAIT_TIMEOUT, WorkerClient
from ddpg_ros.worker.messages import Failed, Resumption, Stopped

_LOG = logging.getLogger(__name__)

STOP_TIMEOUT = 1.2  # [s]; the whole exit has 2 s


class TrainingPhase:
    """Owns the worker and the actor that feeds it."""

    name = "train"

    def __init__(
        self,
        config: Config,
        about: PolicyAbout,
        run_dir: Path,
        starts: np.random.Generator,
        resumed: Resumed | None = None,
    ) -> None:
        """Start the worker; it is ready when `worker.ready` says so.

        Args:
            config: everything.
            about: what the policy is for.
            run_dir: where the worker logs and saves.
            starts: draws how episodes begin; its state is part of every checkpoint.
            resumed: where an earlier process came to; None for a new training.

        Raises:
            CheckpointError: the state of the earlier process is none.
            MachineError: the memory of this machine does not hold what the training needs.
        """
        require_room(config.learner, about.sizes, available_memory())
        require_disk(config, about.sizes, run_dir)
        resumption = None
        if resumed is not None:
            over = resumed.taken >= config.run.steps
            resumption = Resumption(resumed.path, resumed.step, over)
        self.worker = WorkerClient(config, about, run_dir, resumed=resumption)
        self.actor = LearningActor(
            self.worker,
            config,
            about.sizes,
            config.synchronous,
            stream(config.run.seed, ACTOR_STREAM),
        )
        self._starts = starts
        self.begun = 0
        """Episodes that were begun, finished or not; the simulator drew a start for each."""
        self.longest = 0
        """Length of the longest episode [steps]."""
        self._about, self._offline = about, config.run.offline
        self._steps = 0 if self._offline else config.run.steps
        self._owed = config.run.steps if self._offline else 0  # updates before the evaluation
        self._restarts, self._policy = not config.synchronous, run_dir / POLICY
        self._clock_began: float | None = None  # [s], monotonic
        self._stopped = False
        self._saved_here = False  # the policy was saved by this process, without a worker
        self._why = "the learner left no policy; see its last words above."
        self.wall_s = 0.0
        """Duration of the training [s], from the first state to `stop`."""
        self.before = (resumed.step, resumed.updates) if resumed else (0, 0)
        """Steps and updates of the processes before this one, of which it is the continuation."""
        self.updates = self.before[1]
        self.dropped = 0
        self.policy_path: Path | None = None
        self.complaint = ""
        """Why the policy is not in the run directory, and where it is, or nothing."""
        if resumed is not None:
            self._restore(resumed)

    def _restore(self, resumed: Resumed) -> None:
        state = resumed.control
        try:
            if state is not None:
                self.actor.restore(state["actor"])
                restore_generator(self._starts, state["starts"])
                self.begun, self.longest = int(state["begun"]), int(state["longest"])
        except (KeyError, TypeError, ValueError):
            raise CheckpointError(
                f"the checkpoint {resumed.path} does not say how the run goes on."
            ) from None
        self.actor.go_on_from(resumed.step)

    @property
    def ready(self) -> bool:
        """Whether an episode may begin: there are weights, and offline all updates are done.

        Raises:
            LearnerDiedError: the worker could not start, or ended.
        """
        if not self.worker.ready:
            return False
        if self._offline:
            self.start_clock()
        return self.worker.updates >= self._owed

    @property
    def steps_left(self) -> int:
        """Steps that the training still is to take."""
        return self._steps - self.actor.steps

    @property
    def is_done(self) -> bool:
        """Whether the training has taken its last step."""
        return self.steps_left <= 0

    @property
    def progress(self) -> str:
        """How many steps the training has taken."""
        return f"step {self.actor.steps} of {self._steps}"

    def start_clock(self) -> None:
        """Record that the first state is there, and take the weights to begin with.

        Later calls do nothing.
        """
        if self._clock_began is None:
            self._clock_began = time.monotonic()
            self.actor.take_weights()

    def record(self, episode: Episode) -> None:
        """Hand a finished episode to the worker, with what a checkpoint needs of this side."""
        self.longest = max(self.longest, episode.length)
        self.worker.end_episode(self.actor.steps, episode, self.state)

    @property
    def state(self) -> dict[str, Any]:
        """What this side needs to go on from the end of an episode, as JSON."""
        return {
            "actor": self.actor.state,
            "starts": generator_state(self._starts),
            "begun": self.begun,
            "longest": self.longest,
        }

    def values(self) -> dict[str, object]:
        """Return how the worker is, and how old the weights are that act [s]."""
        health = self.worker.health
        return {f"learner.{name}": value for name, value in health._asdict().items()} | {
            "policy.updates": health.updates,
            "policy.age_s": time.monotonic() - self.actor.weights_at,
        }

    def stop(self, patient: bool = False) -> None:
        """Stop the worker, which saves its policy; a second call does nothing.

        `policy_path` stays None if the worker saved none: it was stopped before it had one, or
        does not answer. In real time, where a worker may be lost at the very end, it is the policy
        saved last. The end of a whole training is `patient`; `worker.cancelled` ends that.
        """
        if self._stopped:
            return
        self._stopped = True
        if self._clock_began is not None:
            self.wall_s = time.monotonic() - self._clock_began
        self.updates = max(self.before[1], self.worker.updates)  # before its first weights: 0
        self.dropped = self.worker.dropped
        timeout = WAIT_TIMEOUT if patient else STOP_TIMEOUT
        last = self.worker.stop(timeout, STOP_TIMEOUT, self.actor.steps, self.state)
        if isinstance(last, Stopped):
            self.updates, self.policy_path = last.updates, last.policy
        elif self._restarts and self._policy.exists():
            self.policy_path = self._policy
        elif not self._policy.exists():
            self._save_newest_weights()
        if self.policy_path is not None and self.policy_path != self._policy:
            self.complaint = f"{self._policy} could not be written: it is {self.policy_path}"
        if isinstance(last, Failed):
            self._why = last.message

    def _save_newest_weights(self) -> None:
        """Save what the actor acts by, if the worker was lost before it saved anything."""
        policy = self.actor.snapshot()
        if policy is None:
            return
        about = replace(self._about, steps=self.actor.steps, updates=self.updates)
        rng = np.random.default_rng(about.seed)
        size = (GOLDEN_PAIRS, about.sizes[0])
        observations = rng.uniform(-1.0, 1.0, size).astype(np.float32)
        answers = np.stack([policy(observation) for observation in observations])

        def write(path: Path) -> None:
            save_policy(path, about, policy.weights, observations, answers)

        self._saved_here = True
        self.policy_path, why = keep(self._policy, write, 0.0)
        _LOG.warning(
            why
            or f"the learner left no policy; {self._policy} holds the weights that it gave last."
        )

    def finish(self) -> Policy | None:
        """End a whole training: stop the worker and read back the policy that it saved.

        Returns:
            None if the worker was cancelled before there was one.

        Raises:
            LearnerDiedError: the worker left no policy.
            PolicyFileError: what it left is not one.
        """
        self.actor.abandon()  # the last episode may be cut, and its last steps still be here
        self.stop(patient=True)
        if self.policy_path is not None and not self._saved_here:
            return load_policy(self.policy_path)
        if self.worker.cancelled:
            return None
        raise LearnerDiedError(self._why)
