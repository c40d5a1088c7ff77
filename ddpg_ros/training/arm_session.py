"""A session on an arm: states in, torques out; no ROS in it."""

import sys
from pathlib import Path

import numpy as np

from ddpg_ros.build import build_arm, make_safety, policy_about
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.control.loop import ControlLoop, Tick
from ddpg_ros.control.policy import Policy, PolicyAbout, load_policy
from ddpg_ros.control.rhythm import TickClock
from ddpg_ros.errors import ConfigError, PolicyFileError, RefusedError
from ddpg_ros.training.seeds import GOAL_STREAM
from ddpg_ros.training.session import Session
from ddpg_ros.training.summary import Summary
from ddpg_ros.types import JointState, Vector


class ArmSession(Session):
    """One arm and one task: the control loop around the actor of the present phase."""

    def __init__(self, config: Config, run_dir: Path | None, endless: bool = False) -> None:
        """Build the arm, the task and the safety; start the worker, or load `run.policy`.

        Args:
            config: everything.
            run_dir: where results go; it exists. None writes none, which needs a policy.
            endless: run one greedy episode without a time limit, and keep nothing.

        Raises:
            DdpgRosError: a setting that cannot be used, or a policy of another arm or task.
        """
        self.robot, self._task, guard = build_arm(config)
        self.safety = make_safety(config, guard)
        self.rhythm = TickClock(config.control.period)
        self._torque_limit = self.robot.torque_limit(config.robot.torque_limit)
        self._given_goal: Vector | None = None
        if endless and not config.run.policy:
            raise ConfigError("run.policy is empty; expected the policy file that is to be run.")
        about, policy = policy_about(config, self.robot, self._task), None
        if config.run.policy or run_dir is None:
            policy = _load_fitting(Path(config.run.policy), about)
        super().__init__(config, about, run_dir, GOAL_STREAM, policy, endless)
        self._loop = self._make_loop()

    @property
    def goal(self) -> Vector:
        """The goal of the running episode, (3,) in the base frame [m]."""
        return self._task.goal

    @property
    def ready(self) -> bool:
        """Whether the worker, if there is one, has given its first weights.

        Raises:
            LearnerDiedError: it could not start; the message says why.
        """
        return self.worker is None or self.worker.ready

    def learner_absent_for(self, now: float) -> float:
        """Return for how long a training has had no worker at `now` [s], monotonic."""
        return 0.0 if self.worker is None else self.worker.absent_for(now)

    def values(self) -> dict[str, object]:
        """Return what `/diagnostics` shows of the session."""
        values = {f"tick.{name}": value for name, value in self.rhythm.take()._asdict().items()}
        values |= {"phase": self.phase.name, "steps": self._loop.steps}
        return values | self.phase.values()

    def end_training(self) -> bool:
        """End the training, see `Session`; the control loop goes on with its policy."""
        has_policy = super().end_training()
        if has_policy:
            self._loop = self._make_loop()
        return has_policy

    def next_episode(self, state: JointState) -> bool:
        """Begin an episode: draw a goal; the next state is the first.

        After the last step of the training this ends it, see `end_training`.

        Args:
            state: the newest one. An endless run that was given no goal stays where it is.

        Returns:
            False if there is nothing left to run.
        """
        if self.trained and not self.end_training():
            return False
        if self.phase.is_done:
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
        phase = self.phase
        phase.start_clock()
        self.rhythm.add(dt)
        tick = self._loop.tick(state, dt)
        if tick.episode is not None:
            phase.record(tick.episode)
        return Tick(0.0 * tick.torque, True, tick.episode) if phase.is_done else tick

    def close(self, rejected_states: int, interrupted: bool) -> Summary:
        """Stop the worker if it still runs; return what the run came to.

        What is not where it belongs then stands in `complaints`.
        """
        self.stop()
        return Summary.of(
            to_parameters(self.config),
            self.training,
            self.evaluation,
            rejected_states=rejected_states,
            missed_deadlines=self.rhythm.misses,
            guard=self.safety.guard.counts._asdict(),
            interrupted=interrupted,
        )

    def _make_loop(self) -> ControlLoop:
        return ControlLoop(
            self._task,
            self.phase.actor,
            self.safety,
            self._torque_limit,
            sys.maxsize if self._endless else self.config.episode_steps,
            self.starts,
        )


def require_fit(policy: Policy, path: Path, config: Config) -> None:
    """Refuse a policy that was trained for another arm or task than a configuration has.

    Raises:
        DdpgRosError: it was, or the configuration cannot be used.
    """
    robot, task, _ = build_arm(config)
    _require_same(policy, path, policy_about(config, robot, task))


def _load_fitting(path: Path, ours: PolicyAbout) -> Policy:
    policy = load_policy(path)
    _require_same(policy, path, ours)
    return policy


def _require_same(policy: Policy, path: Path, ours: PolicyAbout) -> None:
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
