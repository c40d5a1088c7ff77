"""A session on an arm: states in, torques out; no ROS in it."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ddpg_ros.build import build_arm, make_safety, policy_about
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.control.loop import ControlLoop, Tick
from ddpg_ros.control.policy import Policy, PolicyAbout, load_policy
from ddpg_ros.control.rhythm import TickClock
from ddpg_ros.errors import ConfigError, PolicyFileError, RefusedError
from ddpg_ros.safety.guard import Guard
from ddpg_ros.tasks.answers import check_goal
from ddpg_ros.tasks.goals import GoalKind
from ddpg_ros.training.seeds import GOAL_STREAM
from ddpg_ros.training.session import Session
from ddpg_ros.training.summary import Summary
from ddpg_ros.types import JointState

_WEIGHTLESS = 1e-6  # [N·m] an arm that weighs less than this is the same to everybody


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
        self._given_goal: Any = None  # from outside, for the episodes that follow
        self._state: JointState | None = None  # the newest one of the running episode
        if endless and not config.run.policy:
            raise ConfigError("run.policy is empty; expected the policy file that is to be run.")
        about, policy = policy_about(config, self.robot, self._task), None
        if config.run.policy or run_dir is None:
            policy = load_fitting(Path(config.run.policy), about, feels_weight(guard))
        super().__init__(config, about, run_dir, GOAL_STREAM, policy, endless)
        self._loop = self._make_loop()

    @property
    def goal(self) -> Any:
        """The goal of the running episode, see `Task.goal`."""
        return self._task.goal

    def check_goal(self) -> None:
        """See that the goal is one of its kind.

        Raises:
            TaskFailedError: the task made another of it.
        """
        check_goal(self._task, self.robot)

    @property
    def goals(self) -> GoalKind:
        """What the goal is."""
        return self._task.goals

    @property
    def ready(self) -> bool:
        """Whether an episode may begin: see `TrainingPhase.ready`.

        Raises:
            LearnerDiedError: it could not start; the message says why.
        """
        return self.worker is None or self.training is None or self.training.ready

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
        if self.training is not None and self.evaluation is None:
            self.training.begun += 1
        if self._task.takes_goals and self._given_goal is not None:
            self._task.goal = self._given_goal
        elif self._task.takes_goals and self._endless:
            self._task.goal = self.goals.here(self.robot, state.position)
        if self.config.run.clock == "lockstep":  # the arm is placed, and no torque acts on it
            self.safety.placed()
        return True

    def abandon_episode(self) -> None:
        """Leave the running episode where it is; `next_episode` begins another."""
        self._state = None
        self._loop.abandon()

    def give_goal(self, goal: Any) -> None:
        """Set the goal of this episode and, if it is of a kind that lasts, of those that follow.

        Args:
            goal: as the task's `goals` says.

        Raises:
            RefusedError: the task takes none, or the arm cannot meet it; the one before stays.
        """
        if not self._task.takes_goals:
            raise RefusedError(f"the task {self.config.task.name} takes no goals")
        met = self.goals.meet(goal, self.robot, self._state)
        self._given_goal = met if self.goals.lasts else None
        self._task.goal = met

    def tick(self, state: JointState, dt: float) -> Tick:
        """Run one tick of the present phase; see `ControlLoop.tick`.

        The last step of a training ends its episode, whatever its length.
        """
        phase = self.phase
        phase.start_clock()
        self.rhythm.add(dt)
        self._state = state
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
    """Refuse a policy that was trained for another arm, weight or task than a configuration has.

    Raises:
        DdpgRosError: it was, or the configuration cannot be used.
    """
    robot, task, guard = build_arm(config)
    require_fitting(path, policy.about, policy_about(config, robot, task), feels_weight(guard))


def feels_weight(guard: Guard) -> bool:
    """Return whether the arm's weight pulls at any of its joints."""
    return bool((guard.carrier.heaviest_weight > _WEIGHTLESS).any())


def load_fitting(path: Path, ours: PolicyAbout, weighs: bool) -> Policy:
    """Load a policy and refuse one that was trained for another arm, weight or task."""
    policy = load_policy(path)
    require_fitting(path, policy.about, ours, weighs)
    return policy


def require_fitting(path: Path, theirs: PolicyAbout, ours: PolicyAbout, weighs: bool) -> None:
    """Refuse a policy that was trained for another arm, weight or task.

    Args:
        path: of the policy, for the sentence.
        theirs: what it was trained for.
        ours: what it is to run on.
        weighs: whether the arm feels its weight; if not, it does not matter who carries it.

    Raises:
        PolicyFileError: they differ; the sentence says in what.
    """
    theirs = replace(theirs, gravity=theirs.gravity or _gravity_then(theirs))
    weight = ("gravity", "payload_mass", "payload_centre") if weighs else ()
    for what in ("joints", "torque_limit", "control_period", "task", "urdf_sha256", *weight):
        trained, own = getattr(theirs, what), getattr(ours, what)
        if trained != own:
            raise PolicyFileError(
                f"{path} was trained with {what} {trained}, and this robot has {own}; "
                "run it with the configuration that it was trained with."
            )
    if (theirs.sizes[0], theirs.sizes[-1]) != (ours.sizes[0], ours.sizes[-1]):
        raise PolicyFileError(
            f"{path} maps {theirs.sizes[0]} observations to {theirs.sizes[-1]} "
            f"actions; this robot and task have {ours.sizes[0]} and {ours.sizes[-1]}."
        )


def _gravity_then(about: PolicyAbout) -> str:
    """Return who carried the arm of a policy from before `robot.gravity`.

    That was nobody. A simulation without gravity was like a driver that carries the arm.
    """
    return "none" if about.config.get("sim.gravity") else "driver"
