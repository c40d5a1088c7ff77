"""A session: a training, if there is one, and then an evaluation of the policy that it left.

The session knows neither ROS nor Gymnasium. What drives it takes actions from the phase's actor,
begins episodes with the phase's random numbers, and records what they came to.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ddpg_ros.config.settings import Config
from ddpg_ros.control.actor import Actor
from ddpg_ros.control.policy import Policy, PolicyAbout
from ddpg_ros.training.evaluation_phase import EvaluationPhase
from ddpg_ros.training.resuming import load_resumed, require_resumable
from ddpg_ros.training.seeds import EVALUATION_STREAM, stream
from ddpg_ros.training.training_phase import TrainingPhase
from ddpg_ros.types import Episode
from ddpg_ros.worker.client import WorkerClient


class Phase(Protocol):
    """One of the two parts of a session."""

    @property
    def name(self) -> str:
        """What to call it on `/diagnostics`."""

    @property
    def actor(self) -> Actor:
        """What chooses the actions."""

    @property
    def steps_left(self) -> int | None:
        """Steps until the phase is over; None if it ends with an episode."""

    @property
    def is_done(self) -> bool:
        """Whether the phase is over."""

    @property
    def progress(self) -> str:
        """How far the phase is, for a log line."""

    def start_clock(self) -> None:
        """Record that the first state is there; later calls do nothing."""

    def record(self, episode: Episode) -> None:
        """Record a finished episode."""

    def values(self) -> dict[str, object]:
        """Return what `/diagnostics` shows of the phase."""


class Session:
    """Runs a training phase and an evaluation phase, or an evaluation alone."""

    def __init__(
        self,
        config: Config,
        about: PolicyAbout,
        run_dir: Path | None,
        start_stream: int,
        policy: Policy | None = None,
        endless: bool = False,
    ) -> None:
        """Start the worker, or begin with the evaluation of a policy.

        Args:
            config: everything.
            about: what the policy of the training is for.
            run_dir: where results go; it exists. None writes none, which needs a policy.
            start_stream: of the seed, for the beginnings of the training's episodes.
            policy: what to evaluate without a training.
            endless: the evaluation never ends, and keeps nothing.

        Raises:
            MachineError: the memory of this machine does not hold what the training needs.
            RunDirectoryError, CheckpointError: `run.resume` is set, and the run cannot go on.
        """
        self.config = config
        self._run_dir, self._endless = run_dir, endless
        self.training: TrainingPhase | None = None
        """The training, also after it has ended; None if the session began with a policy."""
        self.evaluation: EvaluationPhase | None = None
        self.complaints: list[str] = []
        """What could not be written into the run directory, and where it is; some are empty."""
        self.refusals: Sequence[str] = ()
        """Why newer checkpoints of a run that goes on cannot be used."""
        self.phase: Phase
        """The present phase."""
        if policy is not None:
            self._begin_evaluation(policy)
        else:
            assert run_dir is not None
            resumed = None
            if config.run.resume:
                resumed = load_resumed(run_dir, config.run.steps)
                require_resumable(run_dir, resumed, about)
                self.refusals = resumed.refusals
            self.starts = stream(config.run.seed, start_stream)
            """Draws how episodes of the present phase begin: goals, or an environment's seeds."""
            self.phase = self.training = TrainingPhase(
                config, about, run_dir, self.starts, resumed
            )

    def _begin_evaluation(self, policy: Policy) -> None:
        count = None if self._endless else self.config.run.eval_episodes
        self.phase = self.evaluation = EvaluationPhase(policy, self._run_dir, count)
        self.starts = stream(self.config.run.seed, EVALUATION_STREAM)

    @property
    def worker(self) -> WorkerClient | None:
        """The worker of the present phase; None in an evaluation."""
        return self.training.worker if self.training and self.evaluation is None else None

    @property
    def trained(self) -> bool:
        """Whether the training has taken its last step, and the evaluation has not begun."""
        return self.evaluation is None and self.phase.is_done

    def end_training(self) -> bool:
        """Stop the worker after the training's last step, which takes a moment; evaluate next.

        Returns:
            False if the session was cancelled before there was a policy to go on with.

        Raises:
            LearnerDiedError: the worker left no policy.
            PolicyFileError: what it left is not one.
        """
        assert self.training is not None
        policy = self.training.finish()
        if policy is None:
            return False
        self._begin_evaluation(policy)
        return True

    def check(self) -> None:
        """Look whether all that should run does; cheap enough for ten times a second.

        Raises:
            LearnerDiedError: the worker ended before the training did.
        """
        if self.worker is not None:
            self.worker.check()

    def cancel(self) -> None:
        """End every wait for the worker; may be called from a signal handler."""
        if self.training is not None:
            self.training.worker.cancelled = True

    def stop(self) -> None:
        """Stop the worker if it still runs, and close the files; fills `complaints`."""
        if self.training is not None:
            self.training.stop()
            self.complaints.append(self.training.complaint)
        if self.evaluation is not None:
            self.complaints.append(self.evaluation.close())
