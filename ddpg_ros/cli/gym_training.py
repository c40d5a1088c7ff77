"""Training on a Gymnasium environment: no ROS, the same learner's process, actor and files."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from ddpg_ros import __version__
from ddpg_ros.cli.supervise import SAME_SIGNAL_S
from ddpg_ros.config import Config, to_parameters
from ddpg_ros.control.actor import Actor, GreedyActor
from ddpg_ros.control.policy import Policy, PolicyAbout
from ddpg_ros.errors import ConfigError, nearest
from ddpg_ros.greedy_log import GreedyLog
from ddpg_ros.link.training import EVAL_STREAM, RESET_STREAM, Training, stream
from ddpg_ros.summary import Summary
from ddpg_ros.types import Episode, Transition, Vector32

Environment = gymnasium.Env[Any, Any]


def train_on_gymnasium(env_id: str, config: Config, run_dir: Path) -> tuple[Summary, int]:
    """Train for `run.steps`, then run `run.eval_episodes` greedy episodes.

    Ctrl-C or SIGTERM ends it early and leaves the policy and the summary.

    Returns:
        The summary, and the signal that ended it early, or 0.

    Raises:
        ConfigError: no such environment, or spaces that DDPG cannot take.
        LearnerDiedError: the learner ended unasked, or left no policy.
    """
    env = make_environment(env_id)
    training = Training(config, _about(env_id, env, config), run_dir)
    greedy = GreedyLog(run_dir)
    with _Stop(training) as stop:
        try:
            training.wait_until_ready()
            training.start_clock()
            seeds = stream(config.run.seed, RESET_STREAM)
            while training.actor.steps < config.run.steps and not stop.signal:
                training.check()
                left = config.run.steps - training.actor.steps
                _episode(env, training.actor, int(seeds.integers(2**31)), left, stop)
            policy = None if stop.signal else training.finish()
            if policy is not None:
                _run_greedy(env, policy, config, greedy, stop)
        finally:
            training.stop()
            greedy.close()
            env.close()
    settings = to_parameters(config)
    summary = Summary.of(
        settings,
        training,
        greedy,
        interrupted=bool(stop.signal),
        environment=env_id,
        judged=False,
    )
    return summary, stop.signal


class _Stop:
    """Which of SIGINT and SIGTERM has come, or 0; in a `with` block.

    A second one interrupts, unless it follows at once: then it is the same, handed on.
    """

    def __init__(self, training: Training | None = None) -> None:
        """Take the training whose waits a signal ends."""
        self.signal = 0
        self._heard_at = 0.0
        self._training = training
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_Stop":
        """Listen."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the signals as they were."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, _: FrameType | None) -> None:
        if self.signal:
            if time.monotonic() - self._heard_at > SAME_SIGNAL_S:
                raise KeyboardInterrupt
            return
        self.signal, self._heard_at = number, time.monotonic()
        if self._training is not None:
            self._training.cancel()


def evaluate_on_gymnasium(policy: Policy, config: Config) -> Summary:
    """Run `run.eval_episodes` greedy episodes of a policy on the environment that it is from."""
    env = make_environment(policy.about.task)
    greedy = GreedyLog(None)
    try:
        _run_greedy(env, policy, config, greedy, _Stop())
    finally:
        greedy.close()
        env.close()
    settings = to_parameters(config)
    return Summary.of(settings, None, greedy, environment=policy.about.task, judged=False)


def _run_greedy(
    env: Environment, policy: Policy, config: Config, log: GreedyLog, stop: _Stop
) -> None:
    seeds, actor = stream(config.run.seed, EVAL_STREAM), GreedyActor(policy.actor)
    log.open()
    log.start_clock()
    while log.count < config.run.eval_episodes and not stop.signal:
        episode = _episode(env, actor, int(seeds.integers(2**31)), None, stop)
        if episode is not None:
            log.add(episode)


def make_environment(env_id: str) -> Environment:
    """Make an environment with flat observations and bounded continuous actions.

    Raises:
        ConfigError: there is none of that name, or its spaces are of another kind.
    """
    try:
        env: Environment = gymnasium.make(env_id)
    except (gymnasium.error.Error, ImportError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"Gymnasium cannot make '{env_id}' ({reason}){_way_out(env_id, error)}"
        ) from None
    space = env.action_space
    if not isinstance(space, Box) or len(space.shape) != 1 or not space.is_bounded():
        raise ConfigError(f"{env_id} takes actions {space}; DDPG needs a bounded flat Box.")
    observed = env.observation_space
    if not isinstance(observed, Box) or len(observed.shape) != 1:
        env = gymnasium.wrappers.FlattenObservation(env)
    return gymnasium.wrappers.RescaleAction(env, np.float32(-1.0), np.float32(1.0))


def _way_out(env_id: str, error: Exception) -> str:
    missing = isinstance(error, gymnasium.error.DependencyNotInstalled)
    if missing and "MuJoCo" in str(error):
        return "; in a checkout, 'make setup-bench' installs it."
    return "." if env_id in gymnasium.registry else nearest(env_id, gymnasium.registry)


def _episode(
    env: Environment, actor: Actor, seed: int, steps_left: int | None, stop: _Stop
) -> Episode | None:
    """Run one episode, at most `steps_left` steps of it; None where that or a signal cut it."""
    raw, _ = env.reset(seed=seed)
    observation: Vector32 = np.array(raw, dtype=np.float32)  # a copy: raw may be its own buffer
    total, length, terminated, truncated, info = 0.0, 0, False, False, dict[str, Any]()
    while not (terminated or truncated):
        if stop.signal or length == steps_left:
            return None
        action = actor.select_action(observation)
        raw, reward, terminated, truncated, info = env.step(action)
        following: Vector32 = np.array(raw, dtype=np.float32)
        actor.observe(Transition(observation, action, float(reward), terminated, following))
        observation = following
        total += float(reward)
        length += 1
    episode = Episode(total, length, bool(info.get("is_success", False)), terminated, {})
    actor.end_episode(episode)
    return episode


def _about(env_id: str, env: Environment, config: Config) -> PolicyAbout:
    observation, action = env.observation_space.shape, env.action_space.shape
    assert observation is not None and action is not None
    settings = to_parameters(config)
    del settings["run.directory"]
    return PolicyAbout(
        sizes=[observation[0], *config.learner.hidden, action[0]],
        joints=[],
        torque_limit=[],
        control_period=config.control.period,
        task=env_id,
        urdf_sha256="",
        seed=config.run.seed,
        steps=0,
        updates=0,
        package_version=__version__,
        layer_norm=config.learner.actor_layer_norm,
        config=settings,
    )
