"""Training and evaluation on a Gymnasium environment: the session that ROS runs, without ROS."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium

from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.control.actor import Actor
from ddpg_ros.control.policy import Policy, PolicyAbout
from ddpg_ros.errors import EnvironmentFailedError, PolicyFileError
from ddpg_ros.training.gymnasium_environment import Environment, Unusable
from ddpg_ros.training.interruption import Interruption
from ddpg_ros.training.seeds import RESET_STREAM
from ddpg_ros.training.session import Session
from ddpg_ros.training.summary import Summary
from ddpg_ros.types import Episode, Transition
from ddpg_ros.version import __version__

_LOG = logging.getLogger(__name__)

LONGEST_GREEDY = 20_000
"""Steps after which a greedy episode is cut if neither the environment nor Gymnasium ends it, or
twice the longest episode of the training if that is more."""

UNUSABLE_IN_A_ROW = 10
"""Episodes in a row with a number that is not finite that end a run."""


class GymnasiumResult(NamedTuple):
    """How a training on Gymnasium ended."""

    summary: Summary
    signal: int  # that ended it early, or 0
    failure: str  # how the environment failed, or nothing
    complaints: list[str]  # what could not be written into the run directory; some are empty


def train_on_gymnasium(
    what: str | gymnasium.Env[Any, Any], config: Config, run_dir: Path
) -> GymnasiumResult:
    """Train for `run.steps`, then run `run.eval_episodes` greedy episodes.

    Ctrl-C or SIGTERM ends the run early and leaves the policy and the summary; so does an
    environment that fails.

    Raises:
        ConfigError: no such environment, or spaces that DDPG cannot take.
        LearnerDiedError: the worker ended unasked, or left no policy.
    """
    env, failure = Environment(what), ""
    session = Session(config, about(env, config), run_dir, RESET_STREAM)
    with Interruption(session.cancel) as stop:
        try:
            longest = _run_phase(session, env, stop)
            if session.training is not None:  # of an earlier process, too
                longest = session.training.longest = max(longest, session.training.longest)
            if not stop.signal and session.end_training():
                _run_phase(session, env, stop, _cut_after(env, longest))
        except EnvironmentFailedError as error:
            failure = str(error)
        finally:
            session.stop()
            env.close()
    summary = Summary.of(
        to_parameters(config),
        session.training,
        session.evaluation,
        interrupted=bool(stop.signal or failure),
        environment=env.name,
        judged=env.knows_success,
    )
    return GymnasiumResult(summary, stop.signal, failure, session.complaints)


def evaluate_on_gymnasium(policy: Policy, config: Config) -> Summary:
    """Run `run.eval_episodes` greedy episodes of a policy on its own environment.

    Raises:
        ConfigError: there is no such environment here.
        PolicyFileError: the environment has other observations or actions than the policy.
        EnvironmentFailedError: its own code failed.
    """
    env = Environment(policy.about.task)
    try:
        sizes = policy.about.sizes
        if (env.observation_size, env.action_size) != (sizes[0], sizes[-1]):
            raise PolicyFileError(
                f"the policy maps {sizes[0]} observations to {sizes[-1]} actions; the environment "
                f"{policy.about.task} here has {env.observation_size} and {env.action_size}."
            )
        session = Session(config, policy.about, None, RESET_STREAM, policy)
        _run_phase(session, env, Interruption(), _cut_after(env, 0))
        session.stop()
    finally:
        env.close()
    settings = to_parameters(config)
    return Summary.of(
        settings,
        None,
        session.evaluation,
        environment=policy.about.task,
        judged=env.knows_success,
    )


def _run_phase(
    session: Session, env: Environment, stop: Interruption, limit: int | None = None
) -> int:
    """Run episodes until the present phase is done; return the length of the longest [steps].

    Args:
        session: a training waits for its worker's first weights.
        env: where.
        stop: ends the phase early.
        limit: steps after which an episode is cut, and counts; None cuts none.
    """
    if session.worker is not None:
        session.worker.wait_until_ready()
    phase = session.phase
    course = _Course(env, phase.actor, stop)
    phase.start_clock()
    while not phase.is_done and not stop.signal:
        session.check()
        seed = int(session.starts.integers(2**31))
        episode = course.run(seed, phase.steps_left, limit)
        if episode is not None:
            phase.record(episode)
    return course.longest


def _cut_after(env: Environment, longest: int) -> int | None:
    """Return the steps after which a greedy episode is cut; `longest` was that of the training."""
    return None if env.has_time_limit else max(LONGEST_GREEDY, 2 * longest)


class _Course:
    """Runs episodes of one actor in one environment."""

    def __init__(self, env: Environment, actor: Actor, stop: Interruption) -> None:
        """Take actor and environment, and the signals that end an episode early."""
        self._env, self._actor, self._stop = env, actor, stop
        self._unusable = 0  # in a row
        self._has_left = self._has_cut = False
        self.longest = 0
        """Length of the longest episode [steps]."""

    def run(self, seed: int, steps_left: int | None, limit: int | None = None) -> Episode | None:
        """Run one episode; return None if it was left: a signal, or a number that is not finite.

        Args:
            seed: of the environment.
            steps_left: the episode is left after so many steps; None sets no limit.
            limit: steps after which the episode is cut, and counts; None sets no limit.

        Raises:
            EnvironmentFailedError: its own code failed, or gave numbers that are not finite in
                `UNUSABLE_IN_A_ROW` episodes one after the other.
        """
        try:
            episode = self._run(seed, steps_left, limit)
        except Unusable as problem:
            self._actor.abandon()
            self._unusable += 1
            if self._unusable >= UNUSABLE_IN_A_ROW:
                raise EnvironmentFailedError(
                    f"{problem}, as in {UNUSABLE_IN_A_ROW} episodes in a row; expected finite "
                    "numbers. Fix the environment."
                ) from None
            if not self._has_left:
                self._has_left = True
                _LOG.warning(
                    f"{problem}; expected finite numbers. Nothing of that step is used, and its "
                    "episode is left; likewise from now on, without a word."
                )
            return None
        self._unusable = 0
        return episode

    def _run(self, seed: int, steps_left: int | None, limit: int | None) -> Episode | None:
        observation = self._env.reset(seed)
        total, length, over = 0.0, 0, False
        success = terminated = False
        while not over:
            if self._stop.signal or length == steps_left:
                return None
            if length == limit:
                self._tell_of_cut(length)
                break
            action = self._actor.select_action(observation)
            step = self._env.step(action)
            self._actor.record(
                Transition(observation, action, step.reward, step.terminated, step.observation)
            )
            observation, over = step.observation, step.over
            success, terminated = step.success, step.terminated
            total += step.reward
            length += 1
            self.longest = max(self.longest, length)
        episode = Episode(total, length, success, terminated, {})
        self._actor.end_episode(episode)
        return episode

    def _tell_of_cut(self, length: int) -> None:
        if not self._has_cut:
            self._has_cut = True
            _LOG.warning(
                f"a greedy episode was cut after {length} steps, as the environment does not "
                "end it; its return is that of those steps. Register the environment with "
                "max_episode_steps for another limit."
            )


def about(env: Environment, config: Config) -> PolicyAbout:
    """Return what a policy for an environment is for, before any training."""
    settings = to_parameters(config)
    for name in ("run.directory", "run.resume"):
        del settings[name]
    return PolicyAbout(
        sizes=[env.observation_size, *config.learner.hidden, env.action_size],
        joints=[],
        torque_limit=[],
        control_period=config.control.period,
        task=env.name,
        urdf_sha256="",
        seed=config.run.seed,
        steps=0,
        updates=0,
        package_version=__version__,
        layer_norm=config.learner.actor_layer_norm,
        config=settings,
        action_low=env.action_low,
        action_high=env.action_high,
    )
