"""Training on a Gymnasium environment: no ROS, the same learner's process, actor and files."""

from pathlib import Path
from typing import Any

import gymnasium

from ddpg_ros import __version__
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.control.actor import Actor, GreedyActor
from ddpg_ros.control.policy import Policy, PolicyAbout
from ddpg_ros.errors import EnvironmentFailedError, PolicyFileError
from ddpg_ros.say import say
from ddpg_ros.training.evaluation_log import EvaluationLog
from ddpg_ros.training.gymnasium_environment import Environment, Unusable
from ddpg_ros.training.interruption import Interruption
from ddpg_ros.training.learning import EVAL_STREAM, RESET_STREAM, Training, stream
from ddpg_ros.training.summary import Summary
from ddpg_ros.types import Episode, Transition

LONGEST_GREEDY = 20_000
"""Steps after which a greedy episode is cut, where neither the environment nor Gymnasium ends it,
unless an episode of the training was longer."""

UNUSABLE_IN_A_ROW = 10
"""Episodes with a number that is not finite, one after the other, that end a run."""


def train_on_gymnasium(
    what: str | gymnasium.Env[Any, Any], config: Config, run_dir: Path
) -> tuple[Summary, int, str, list[str]]:
    """Train for `run.steps`, then run `run.eval_episodes` greedy episodes.

    Ctrl-C or SIGTERM ends it early and leaves the policy and the summary; so does an environment
    that fails.

    Returns:
        The summary, the signal that ended it early, or 0, how the environment failed, or nothing,
        and what could not be written into the run directory.

    Raises:
        ConfigError: no such environment, or spaces that DDPG cannot take.
        LearnerDiedError: the learner ended unasked, or left no policy.
    """
    env = Environment(what)
    training = Training(config, about(env, config), run_dir)
    greedy, failure = EvaluationLog(run_dir), ""
    with Interruption(training) as stop:
        try:
            training.wait_until_ready()
            training.start_clock()
            course = _Course(env, training.actor, stop)
            seeds = stream(config.run.seed, RESET_STREAM)
            while training.actor.steps < config.run.steps and not stop.signal:
                training.check()
                left = config.run.steps - training.actor.steps
                course.run(int(seeds.integers(2**31)), left)
            policy = None if stop.signal else training.finish()
            if policy is not None:
                _run_greedy(env, policy, config, greedy, stop, course.longest)
        except EnvironmentFailedError as error:
            failure = str(error)
        finally:
            training.stop()
            complaint = greedy.close()
            env.close()
    settings = to_parameters(config)
    summary = Summary.of(
        settings,
        training,
        greedy,
        interrupted=bool(stop.signal or failure),
        environment=env.name,
        judged=env.knows_success,
    )
    return summary, stop.signal, failure, [training.complaint, complaint]


def evaluate_on_gymnasium(policy: Policy, config: Config) -> Summary:
    """Run `run.eval_episodes` greedy episodes of a policy on the environment that it is from.

    Raises:
        ConfigError: there is no such environment here.
        PolicyFileError: it observes or acts otherwise than the policy.
        EnvironmentFailedError: its own code failed.
    """
    env = Environment(policy.about.task)
    greedy = EvaluationLog(None)
    try:
        sizes = policy.about.sizes
        if (env.observation_size, env.action_size) != (sizes[0], sizes[-1]):
            raise PolicyFileError(
                f"the policy maps {sizes[0]} observations to {sizes[-1]} actions; the environment "
                f"{policy.about.task} here has {env.observation_size} and {env.action_size}."
            )
        _run_greedy(env, policy, config, greedy, Interruption(), 0)
    finally:
        greedy.close()
        env.close()
    settings = to_parameters(config)
    return Summary.of(
        settings, None, greedy, environment=policy.about.task, judged=env.knows_success
    )


def _run_greedy(
    env: Environment,
    policy: Policy,
    config: Config,
    log: EvaluationLog,
    stop: Interruption,
    longest: int,
) -> None:
    """Run the greedy episodes; `longest` is the longest of the training [steps]."""
    seeds, course = (
        stream(config.run.seed, EVAL_STREAM),
        _Course(env, GreedyActor(policy.actor), stop),
    )
    limit = None if env.has_time_limit else max(LONGEST_GREEDY, 2 * longest)
    log.open()
    log.start_clock()
    while log.count < config.run.eval_episodes and not stop.signal:
        episode = course.run(int(seeds.integers(2**31)), None, limit)
        if episode is not None:
            log.add(episode)


class _Course:
    """Runs episodes of one actor in one environment."""

    def __init__(self, env: Environment, actor: Actor, stop: Interruption) -> None:
        """Take them, and what may end an episode early."""
        self._env, self._actor, self._stop = env, actor, stop
        self._unusable = 0  # in a row
        self._has_left = self._has_cut = False
        self.longest = 0
        """Length of the longest episode [steps]."""

    def run(self, seed: int, steps_left: int | None, limit: int | None = None) -> Episode | None:
        """Run one episode; None where it was left: by a signal, or for a number not finite.

        Args:
            seed: of the environment.
            steps_left: None is returned after so many.
            limit: steps after which it is cut, and counts.

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
                    "numbers. Mend the environment."
                ) from None
            if not self._has_left:
                self._has_left = True
                say(
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
            say(
                f"a greedy episode was cut after {length} steps, as the environment does not "
                "end it; its return is that of those steps. Register the environment with "
                "max_episode_steps for another limit."
            )


def about(env: Environment, config: Config) -> PolicyAbout:
    """Say what a policy for an environment is, before any training."""
    settings = to_parameters(config)
    del settings["run.directory"]
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
