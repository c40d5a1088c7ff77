"""The actor of a training: explores with the newest weights, feeds the worker."""

import time
from typing import Any

import numpy as np

from ddpg_ros.config.settings import Config
from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.control.noise import make_noise, sigma_at
from ddpg_ros.training.n_step import NStep
from ddpg_ros.training.seeds import generator_state, restore_generator
from ddpg_ros.types import Episode, Experience, Transition, Vector32
from ddpg_ros.worker.client import WorkerClient


class LearningActor:
    """Adds noise to the newest policy's actions, and hands every transition to the worker.

    If `synchronous`, each transition first waits until the updates of the one before it are done,
    and then takes the weights. The action after transition k so comes from the updates up to
    k − 1, whatever the timing of the processes: the run is reproducible, and the worker learns
    from transition k while the simulator makes k + 1. If the end of an episode completes several
    pieces of experience at once, each waits in turn: the worker samples from what has arrived. The
    end of an episode waits for all updates, so that both sides stand at the same step there: a
    checkpoint is made of that.
    """

    def __init__(
        self,
        worker: WorkerClient,
        config: Config,
        sizes: list[int],
        synchronous: bool,
        rng: np.random.Generator,
    ) -> None:
        """Make the actor; its first weights come from the worker.

        Args:
            worker: receives transitions and publishes weights.
            config: noise, warm-up and length of the training.
            sizes: layers of the actor, observation to action.
            synchronous: wait for the worker, as above.
            rng: draws the warm-up's actions and the noise.
        """
        self._worker = worker
        self._config = config
        self._synchronous = synchronous
        self._rng, self._noise_rng = rng.spawn(2)
        weights = np.zeros(weight_count(sizes), dtype=np.float32)
        self._policy = MlpActor(sizes, weights, config.learner.actor_layer_norm)
        self._n_step = NStep(config.learner.n_step, config.learner.discount)
        self._handed_over = 0
        # of a warm start the policy acts from the first step: it may be on a robot
        self._random_steps = 0 if config.run.init_from else config.learner.warmup_steps
        self._noise = make_noise(config.noise, sizes[-1], config.control.period, self._noise_rng)
        self.steps = 0
        """Transitions so far."""
        self.episodes = 0
        """Finished episodes."""
        self.weights_at = time.monotonic()
        """When the present weights were taken [s], monotonic."""

    @property
    def state(self) -> dict[str, Any]:
        """What the actor needs to go on from the end of an episode, as JSON."""
        return {
            "episodes": self.episodes,
            "warmup_rng": generator_state(self._rng),
            "noise_rng": generator_state(self._noise_rng),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of an earlier process.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        self.episodes = int(state["episodes"])
        restore_generator(self._rng, state["warmup_rng"])
        restore_generator(self._noise_rng, state["noise_rng"])

    def go_on_from(self, step: int) -> None:
        """Count on from a step, all transitions before which were handed over."""
        self.steps = self._handed_over = step

    def take_weights(self) -> None:
        """Take the newest weights, if there are newer ones."""
        weights = self._worker.newer_weights()
        if weights is not None:
            self._policy.weights, self.weights_at = weights, time.monotonic()

    def select_action(self, observation: Vector32) -> Vector32:
        """Return a random action during the warm-up, then μ(s) + noise, within [-1, 1].

        With a warm start there are no random actions; the warm-up is the time before learning.
        While the worker is absent the last weights answer, without noise.
        """
        if self._worker.absent:
            return self._policy(observation)
        if self.steps < self._random_steps:
            size = self._policy.sizes[-1]
            return self._rng.uniform(-1.0, 1.0, size).astype(np.float32)
        sigma = sigma_at(self._config.noise, self.steps, self._config.run.steps)
        action = self._policy(observation) + self._noise.sample(sigma)
        bounded: Vector32 = np.minimum(np.maximum(action, np.float32(-1.0)), np.float32(1.0))
        return bounded

    def record(self, transition: Transition) -> None:
        """Take the newest weights, and hand the experience that `transition` completes over."""
        if self._synchronous:
            self._worker.wait_for(self._handed_over)
        self.take_weights()
        self._push(self._n_step.add(transition))
        self.steps += 1

    def end_episode(self, episode: Episode) -> None:
        """Hand over the last steps of the episode."""
        self._push(self._n_step.end())
        self._noise.reset()
        self.episodes += 1
        if self._synchronous:
            self._worker.wait_for(self._handed_over)
            self.take_weights()

    def abandon(self) -> None:
        """Hand over the last steps of an episode that is left; they end at the last state."""
        self._push(self._n_step.end())
        self._noise.reset()

    def snapshot(self) -> MlpActor | None:
        """Return a policy of the newest weights, or None if none ever came."""
        weights = self._worker.last_weights()
        if weights is None:
            return None
        self._policy.weights = weights
        return self._policy

    def _push(self, experience: list[Experience]) -> None:
        for one in experience:
            if self._synchronous:
                self._worker.wait_for(self._handed_over)
            self._worker.push(one)
            self._handed_over += 1
