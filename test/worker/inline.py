"""A training in one process: the real learner, actor and files, without processes between them.

Everything that lock-step does, in its order, on a small arm-like system of two numbers. A run can
be saved at the end of any episode and be resumed by another one, as two processes do it.
"""

from types import SimpleNamespace

import numpy as np

from ddpg_ros.algo.learner import Learner
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.training.learning_actor import LearningActor
from ddpg_ros.training.seeds import ACTOR_STREAM, GOAL_STREAM, generator_state, stream
from ddpg_ros.types import Episode, RecordLayout, Transition
from ddpg_ros.worker.metrics_log import NOTHING, MetricsLog
from ddpg_ros.worker.saving import Course, RunSaver
from test.dotted import dotted

SIZES = [2, 8, 1]
LAYOUT = RecordLayout(2, 1)
LENGTHS = (9, 12, 7)  # of episodes, in turn [steps]
EXTREMES = {60: 7.0, 61: -9.0}  # rewards at steps; they stay in the replay buffer for a while


def config_of(**more):
    """Settings with which every part of the state matters."""
    settings = {
        "run__seed": 5,
        "run__steps": 400,
        "noise__kind": "ornstein_uhlenbeck",
        "learner__hidden": [8],
        "learner__batch_size": 8,
        "learner__replay_capacity": 60,  # it wraps around
        "learner__warmup_steps": 20,
        "learner__update_to_data": 2.3,  # a debt that is no whole number
        "learner__mode": "eager",
        "learner__n_step": 3,
        "learner__discount": 0.5,
        "learner__critics": 2,
        "learner__policy_delay": 3,
        "learner__target_noise": 0.2,
        "learner__normalise_observations": True,
        "learner__clip_target": True,
        "learner__reset_every": 110,
        "learner__tau": 0.1,
    }
    return Config().with_parameters(dotted(**(settings | more)))


class InlineWorker:
    """What a `LearningActor` needs of its worker; updates are done as soon as they are due."""

    absent = False

    def __init__(self, learner):
        self.learner, self._taken = learner, b""

    def wait_for(self, step):
        while self.learner.due > 0:
            self.learner.update(self.learner.due)
        assert self.learner.steps == step

    def newer_weights(self):
        weights = self.learner.actor_weights().copy()
        newer, self._taken = weights.tobytes() != self._taken, weights.tobytes()
        return weights if newer else None

    def push(self, experience):
        self.learner.add(LAYOUT.pack(experience)[None])


class InlineRun:
    """One process's part of a run."""

    def __init__(self, folder, config, kept=NOTHING, learner=None):
        self.config, self.folder = config, folder
        self.learner = learner or Learner(config.learner, LAYOUT, config.run.seed)
        about = PolicyAbout(SIZES, [], [], 0.04, "none", "", 5, 0, 0, "0", to_parameters(config))
        endpoint = SimpleNamespace(config=config, layout=LAYOUT, run_dir=folder, about=about)
        self.saver = RunSaver(endpoint)
        self.log = MetricsLog(folder, kept)
        self.worker = InlineWorker(self.learner)
        self.starts = stream(config.run.seed, GOAL_STREAM)
        rng = stream(config.run.seed, ACTOR_STREAM)
        self.actor = LearningActor(self.worker, config, SIZES, True, rng)
        self.actions = []

    def run(self, episodes):
        self.actor.take_weights()
        for _ in range(episodes):
            state = self.starts.uniform(-1.0, 1.0, 2)
            length = LENGTHS[self.actor.episodes % len(LENGTHS)]
            total = 0.0
            for _ in range(length):
                observation = state.astype(np.float32)
                action = self.actor.select_action(observation)
                self.actions.append(action.tobytes())
                state = np.array([state[0] + 0.1 * state[1], state[1] + 0.1 * float(action[0])])
                reward = EXTREMES.get(self.actor.steps, -float(state @ state))
                total += reward
                self.actor.record(
                    Transition(observation, action, reward, False, state.astype(np.float32))
                )
            episode = Episode(total, length, False, False, {})
            self.actor.end_episode(episode)
            self.log.write(
                self.actor.steps, self.learner.updates, len(self.learner.replay), episode
            )

    @property
    def control(self):
        begun = {"begun": self.actor.episodes, "longest": max(LENGTHS)}
        return {"actor": self.actor.state, "starts": generator_state(self.starts), **begun}

    @property
    def course(self):
        return Course(self.actor.steps, self.control, exact=True)

    def save(self):
        assert self.saver.save(self.learner, self.course, self.log) == ""

    def result(self):
        """Everything that a run leaves, as bytes."""
        self.log.close()
        learner = self.learner
        return {
            "actions": b"".join(self.actions),
            "metrics": (self.folder / "metrics.csv").read_bytes(),
            "policy": learner.actor_weights().tobytes(),
            "critics": learner.state.critics.numpy().tobytes(),
            "replay": learner.replay.storage.numpy().tobytes(),
            "goes on": repr(self.starts.bit_generator.state),
        }
