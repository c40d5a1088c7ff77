"""A training from its first step to its policy file; the same with ROS and with Gymnasium."""

import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ddpg_ros.config.run_directory import POLICY
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import GOLDEN_PAIRS, Policy, PolicyAbout, load_policy, save_policy
from ddpg_ros.errors import LearnerDiedError
from ddpg_ros.files.last_resort import keep
from ddpg_ros.training.learning_actor import LearningActor
from ddpg_ros.training.memory_check import available_memory, require_room
from ddpg_ros.worker.client import WAIT_TIMEOUT, WorkerClient, WorkerHealth
from ddpg_ros.worker.handle import SaveRequest
from ddpg_ros.worker.messages import Failed, Stopped

_LOG = logging.getLogger(__name__)

STOP_TIMEOUT = 1.2  # [s]; the whole exit has 2 s
ACTOR_STREAM, GOAL_STREAM, EVAL_STREAM, RESET_STREAM = 2, 3, 4, 5
"""Each use of the seed has a stream of its own; the simulator's start states have stream 1."""


def stream(seed: int, number: int) -> np.random.Generator:
    """Return the generator of one use of the seed."""
    return np.random.default_rng(np.random.SeedSequence([seed, number]))


class Training:
    """Owns the learner's process and the actor that feeds it."""

    def __init__(self, config: Config, about: PolicyAbout, run_dir: Path) -> None:
        """Start the learner; it is ready when `wait_until_ready` returns.

        Raises:
            MachineError: the memory of this machine does not hold what it needs.
        """
        require_room(config.learner, about.sizes, available_memory())
        self._learner = WorkerClient(config, about, run_dir)
        self._about = about
        self._revives, self._policy = not config.synchronous, run_dir / POLICY
        self.actor = LearningActor(
            self._learner,
            config,
            about.sizes,
            config.synchronous,
            stream(config.run.seed, ACTOR_STREAM),
        )
        self._started_at: float | None = None
        self._stopped = False
        self._by_actor = False  # the policy was saved on this side, without a learner
        self._why = "the learner left no policy; see its last words above."
        self.wall_s = 0.0
        """Duration of the training [s], from the first state to `stop`."""
        self.updates = 0
        self.dropped = 0
        self.policy_path: Path | None = None
        self.complaint = ""
        """Why the policy is not in the run directory, and where it is, or nothing."""

    @property
    def ready(self) -> bool:
        """Whether the learner has given its first weights; raises as `wait_until_ready`."""
        return self._learner.ready

    def wait_until_ready(self) -> None:
        """Wait for the learner's first weights.

        Raises:
            LearnerDiedError: it could not start; the message says why.
        """
        self._learner.wait_until_ready()

    def check(self) -> None:
        """Look whether the learner is still there; takes microseconds.

        Raises:
            LearnerDiedError: it ended before `finish`; in real time, more often than it is
                revived.
        """
        if not self._stopped:
            self._learner.check()

    @property
    def health(self) -> WorkerHealth:
        """How the learner is, for diagnostics."""
        return self._learner.health

    def learner_absent_for(self, now: float) -> float:
        """Return for how long there has been no learner at `now` [s], monotonic; 0.0: it is well.

        The actor is frozen and does not explore meanwhile.
        """
        return self._learner.absent_for(now)

    def save(self) -> SaveRequest:
        """Ask the learner to save policy and checkpoint now; never waits."""
        return self._learner.save()

    def start_clock(self) -> None:
        """Take note that the first state is there; later calls do nothing."""
        if self._started_at is None:
            self._started_at = time.monotonic()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._learner.cancelled

    def cancel(self) -> None:
        """End every wait for the learner; may be called from a signal handler."""
        self._learner.cancelled = True

    def stop(self, patient: bool = False) -> None:
        """Stop the learner; it saves its policy. A second call does nothing.

        `policy_path` stays None where it saved none: it was stopped before it had one, or does
        not answer. In real time, where a learner may be lost at the very end, it is the policy
        saved last. At the end of a whole training one is `patient`; `cancel` ends that.
        """
        if self._stopped:
            return
        self._stopped = True
        if self._started_at is not None:
            self.wall_s = time.monotonic() - self._started_at
        self.updates, self.dropped = self._learner.updates, self._learner.dropped
        last = self._learner.stop(WAIT_TIMEOUT if patient else STOP_TIMEOUT, STOP_TIMEOUT)
        if isinstance(last, Stopped):
            self.updates, self.policy_path = last.updates, last.policy
        elif self._revives and self._policy.exists():
            self.policy_path = self._policy
        elif not self._policy.exists():
            self._save_own()
        if self.policy_path is not None and self.policy_path != self._policy:
            self.complaint = f"{self._policy} could not be written: it is {self.policy_path}"
        if isinstance(last, Failed):
            self._why = last.message

    def _save_own(self) -> None:
        """Save what the actor acts by, where the learner was lost before it saved anything."""
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

        self._by_actor = True
        self.policy_path, why = keep(self._policy, write, 0.0)
        _LOG.warning(
            why
            or f"the learner left no policy; {self._policy} holds the weights that it gave last."
        )

    def finish(self) -> Policy | None:
        """End a whole training: stop the learner and read back the policy that it saved.

        Returns:
            None where it was cancelled before there was one.

        Raises:
            LearnerDiedError: the learner left no policy.
            PolicyFileError: what it left is not one.
        """
        self.stop(patient=True)
        if self.policy_path is not None and not self._by_actor:
            return load_policy(self.policy_path)
        if self.cancelled:
            return None
        raise LearnerDiedError(self._why)
