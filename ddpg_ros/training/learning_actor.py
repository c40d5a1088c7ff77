"""The actor that learns: noise on top of the newest weights, transitions to the learner."""

import time

import numpy as np

from ddpg_ros.config.settings import Config
from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.control.noise import make_noise, sigma_at
from ddpg_ros.types import Episode, Experience, Transition, Vector32
from ddpg_ros.worker.client import WorkerClient
from ddpg_ros.worker.n_step import NStep


class LearningActor:
    """Explores, and hands every transition to the learner.

    With `sync`, each transition first waits until the updates of the one before it are done and
    then takes the weights: the action after transition k always comes from the updates up to
    k − 1, whatever the processes' timing. So a run is reproducible, while the learner works on
    transition k in the time in which the simulator makes k + 1. Where an episode's end completes
    several at once, each waits likewise: how many the learner finds decides what it draws from.
    """

    def __init__(
        self,
        learner: WorkerClient,
        config: Config,
        sizes: list[int],
        sync: bool,
        rng: np.random.Generator,
    ) -> None:
        """Make the actor; its first weights are the learner's.

        Args:
            learner: where transitions go and weights come from.
            config: noise, warm-up and length of the training.
            sizes: layers of the actor, observation to action.
            sync: wait for the learner, as above.
            rng: draws the warm-up's actions and the noise.
        """
        self._learner = learner
        self._config = config
        self._sync = sync
        self._rng, noise_rng = rng.spawn(2)
        weights = np.zeros(weight_count(sizes), dtype=np.float32)
        self._policy = MlpActor(sizes, weights, config.learner.actor_layer_norm)
        self._n_step = NStep(config.learner.n_step, config.learner.discount)
        self._handed_over = 0
        self._noise = make_noise(config.noise, sizes[-1], config.control.period, noise_rng)
        self.steps = 0
        """Transitions seen."""
        self.episodes = 0
        """Episodes handed over."""
        self.weights_at = time.monotonic()
        """When the weights that act now were taken [s], monotonic."""

    def select_action(self, observation: Vector32) -> Vector32:
        """Return a random action during the warm-up, then μ(s) + noise, within [-1, 1].

        Without a learner nothing is explored: the last weights answer alone.
        """
        if self._learner.absent:
            return self._policy(observation)
        if self.steps < self._config.learner.warmup_steps:
            size = self._policy.sizes[-1]
            return self._rng.uniform(-1.0, 1.0, size).astype(np.float32)
        sigma = sigma_at(self._config.noise, self.steps, self._config.run.steps)
        action = self._policy(observation) + self._noise.sample(sigma)
        bounded: Vector32 = np.minimum(np.maximum(action, np.float32(-1.0)), np.float32(1.0))
        return bounded

    def record(self, transition: Transition) -> None:
        """Take one transition, hand what it completes to the learner and take newest weights."""
        if self._sync:
            self._learner.wait_for(self._handed_over)
        weights = self._learner.newer_weights()
        if weights is not None:
            self._policy.weights, self.weights_at = weights, time.monotonic()
        self._push(self._n_step.add(transition))
        self.steps += 1

    def end_episode(self, episode: Episode) -> None:
        """Hand over what was held back, and the episode to the learner's log."""
        self._push(self._n_step.end())
        self._learner.end_episode(self.steps, episode)
        self._noise.reset()
        self.episodes += 1

    def abandon(self) -> None:
        """Hand over what was held back: the last state seen is where its steps end."""
        self._push(self._n_step.end())
        self._noise.reset()

    def snapshot(self) -> MlpActor | None:
        """Return a policy of the newest weights, without noise; None where none ever came."""
        weights = self._learner.last_weights()
        if weights is None:
            return None
        self._policy.weights = weights
        return self._policy

    def _push(self, experience: list[Experience]) -> None:
        for one in experience:
            if self._sync:
                self._learner.wait_for(self._handed_over)
            self._learner.push(one)
            self._handed_over += 1
