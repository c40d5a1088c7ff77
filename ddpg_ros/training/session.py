"""What a control node runs: a training, then greedy episodes; or greedy episodes alone.

No ROS in it: it takes states and gives torques, and says when an episode is over.
"""

import sys
import time
from pathlib import Path

import numpy as np

from ddpg_ros.build import build_arm, make_safety, policy_about
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.control.actor import Actor, GreedyActor
from ddpg_ros.control.loop import ControlLoop, Tick
from ddpg_ros.control.policy import Policy, load_policy
from ddpg_ros.control.rhythm import TickClock
from ddpg_ros.errors import ConfigError, PolicyFileError, RefusedError
from ddpg_ros.training.evaluation_log import EvaluationLog
from ddpg_ros.training.learning import EVAL_STREAM, GOAL_STREAM, Training, stream
from ddpg_ros.training.summary import Summary
from ddpg_ros.types import JointState, Vector


class Session:
    """One arm, one task: a phase of training, if there is one, and a phase of greedy episodes."""

    def __init__(self, config: Config, run_dir: Path | None, endless: bool = False) -> None:
        """Build the arm, the task and the safety; start the learner, or load `run.policy`.

        Args:
            config: everything.
            run_dir: where results go; it exists. None writes none, which only a policy may.
            endless: one greedy episode without a time limit, of which nothing is kept.

        Raises:
            DdpgRosError: anything in the configuration that cannot be.
        """
        self.config = config
        self.robot, self._task, guard = build_arm(config)
        self.safety = make_safety(config, guard)
        self.rhythm = TickClock(config.control.period)
        self._torque_limit = self.robot.torque_limit(config.robot.torque_limit)
        self._greedy = EvaluationLog(run_dir)
        self._endless = endless
        self._given_goal: Vector | None = None
        self.complaints: list[str] = []
        """What could not be written into the run directory, and where it is; some are empty."""
        self.training: Training | None = None
        """The training, also after it has ended; None where a policy file is run."""
        self._phase = "train"
        self._frozen_at, self._updates = time.monotonic(), 0  # of the policy that acts
        if endless and not config.run.policy:
            raise ConfigError("run.policy is empty; expected the policy file that is to be run.")
        if config.run.policy or run_dir is None:
            self._begin_greedy(self._load(Path(config.run.policy)))
        else:
            self.training = Training(
                config, policy_about(self.config, self.robot, self._task), run_dir
            )
            self._loop = self._make_loop(self.training.actor, GOAL_STREAM)

    @property
    def goal(self) -> Vector:
        """The goal of the running episode, (3,) in the base frame [m]."""
        return self._task.goal

    @property
    def ready(self) -> bool:
        """Whether the learner, if there is one, has given its first weights.

        Raises:
            LearnerDiedError: it could not start; the message says why.
        """
        return self.training is None or self.training.ready

    @property
    def trained(self) -> bool:
        """Whether the training has taken its last step, and no greedy episode has begun."""
        return self._phase == "train" and self._loop.steps >= self.config.run.steps

    def values(self) -> dict[str, object]:
        """Return what there is to say of it on `/diagnostics`."""
        values = {f"tick.{name}": value for name, value in self.rhythm.take()._asdict().items()}
        values |= {"phase": self._phase, "steps": self._loop.steps}
        age = time.monotonic() - self._frozen_at
        if self.training is not None and self._phase == "train":
            health = self.training.health
            values |= {f"learner.{name}": value for name, value in health._asdict().items()}
            self._updates = health.updates
            age = time.monotonic() - self.training.actor.weights_at
        return values | {"policy.updates": self._updates, "policy.age_s": age}

    @property
    def progress(self) -> str:
        """Where the run stands, for a log line."""
        if self._phase == "train":
            return f"step {self._loop.steps} of {self.config.run.steps}"
        return f"greedy episode {self._greedy.count} of {self.config.run.eval_episodes}"

    def end_training(self) -> bool:
        """Stop the learner after the last step of the training, which takes a moment.

        Returns:
            False where it was cancelled and there is no policy to go on with.
        """
        assert self.training is not None
        policy = self.training.finish()
        if policy is not None:
            self._begin_greedy(policy)
        return policy is not None

    def next_episode(self, state: JointState) -> bool:
        """Begin an episode: draw a goal; the next state is the first.

        After the last step of the training this ends it, see `end_training`.

        Args:
            state: the newest one. An endless run that was given no goal stays where it is.

        Returns:
            False where there is nothing left to run.
        """
        if self.trained and not self.end_training():
            return False
        enough = self._greedy.count >= self.config.run.eval_episodes and not self._endless
        if self._phase == "greedy" and enough:
            return False
        self._loop.begin_episode()
        if self._task.takes_goals and self._given_goal is not None:
            self._task.goal = self._given_goal
        elif self._task.takes_goals and self._endless:
            self._task.goal = self.robot.tip_position(state.position)
        if self.config.run.clock == "lockstep":  # the arm is placed, and no torque acts on it
            self.safety.guard.reset()
        return True

    def abandon_episode(self) -> None:
        """Leave the running episode where it is; `next_episode` begins another."""
        self._loop.abandon()

    def give_goal(self, goal: Vector) -> None:
        """Set the goal of this episode and those that follow, (3,) in the base frame [m].

        Raises:
            RefusedError: it is not finite, or further from the base than the fingertip reaches.
        """
        if not np.isfinite(goal).all():
            raise RefusedError(f"{goal.tolist()} is not finite")
        distance, reach = float(np.linalg.norm(goal)), self.robot.reach
        if self._task.takes_goals and distance > reach:
            raise RefusedError(
                f"{goal.tolist()} is {distance:.3g} m from the base, and the arm reaches at most "
                f"{reach:.3g} m"
            )
        self._given_goal = goal
        if self._task.takes_goals:
            self._task.goal = goal

    def tick(self, state: JointState, dt: float) -> Tick:
        """Run one tick of the present phase; see `ControlLoop.tick`.

        The last step of a training ends its episode, whatever its length.
        """
        if self._phase == "greedy":
            self._greedy.start_clock()
        elif self.training is not None:
            self.training.start_clock()
        self.rhythm.add(dt)
        tick = self._loop.tick(state, dt)
        if self._phase == "train":
            return Tick(0.0 * tick.torque, True, tick.episode) if self.trained else tick
        if tick.episode is not None and not self._endless:
            self._greedy.add(tick.episode)
        return tick

    def check(self) -> None:
        """Look whether all that should run does.

        Raises:
            LearnerDiedError: the learner ended before the training did.
        """
        if self.training is not None:
            self.training.check()

    def learner_absent_for(self, now: float) -> float:
        """Return for how long a training has had no learner at `now` [s], monotonic."""
        if self.training is None or self._phase != "train":
            return 0.0
        return self.training.learner_absent_for(now)

    def cancel(self) -> None:
        """End every wait for the learner; may be called from a signal handler."""
        if self.training is not None:
            self.training.cancel()

    def close(self, rejected_states: int, interrupted: bool) -> Summary:
        """Stop the learner if it still runs; return what the run came to.

        What is not where it belongs then stands in `complaints`.
        """
        if self.training is not None:
            self.training.stop()
            self.complaints.append(self.training.complaint)
        self.complaints.append(self._greedy.close())
        return Summary.of(
            to_parameters(self.config),
            self.training,
            self._greedy,
            rejected_states=rejected_states,
            missed_deadlines=self.rhythm.misses,
            guard=self.safety.guard.counts._asdict(),
            interrupted=interrupted,
        )

    def _begin_greedy(self, policy: Policy) -> None:
        self._phase = "greedy"
        self._frozen_at, self._updates = time.monotonic(), policy.about.updates
        self._greedy.open()
        self._loop = self._make_loop(GreedyActor(policy.actor), EVAL_STREAM)

    def _make_loop(self, actor: Actor, goal_stream: int) -> ControlLoop:
        return ControlLoop(
            self._task,
            actor,
            self.safety,
            self._torque_limit,
            sys.maxsize if self._endless else self.config.episode_steps,
            stream(self.config.run.seed, goal_stream),
        )

    def _load(self, path: Path) -> Policy:
        """Load a policy and refuse one that was trained for another arm or task."""
        policy = load_policy(path)
        ours = policy_about(self.config, self.robot, self._task)
        for what in ("joints", "torque_limit", "control_period", "task", "urdf_sha256"):
            theirs, own = getattr(policy.about, what), getattr(ours, what)
            if theirs != own:
                raise PolicyFileError(
                    f"{path} was trained with {what} {theirs}, and this robot has {own}; "
                    "run it with the configuration that it was trained with."
                )
        if (policy.about.sizes[0], policy.about.sizes[-1]) != (ours.sizes[0], ours.sizes[-1]):
            raise PolicyFileError(
                f"{path} maps {policy.about.sizes[0]} observations to {policy.about.sizes[-1]} "
                f"actions; this robot and task have {ours.sizes[0]} and {ours.sizes[-1]}."
            )
        return policy
