"""A policy file that nobody trained: what it commands does not matter, only how fast."""

from pathlib import Path

import numpy as np

from ddpg_ros.build import policy_about
from ddpg_ros.config.settings import Config
from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.control.policy import GOLDEN_PAIRS, PolicyAbout, save_policy
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks import make_task


def save_untrained(path: Path, config: Config) -> None:
    """Write a policy of small random weights for the arm and the task of a configuration."""
    robot = Robot.of(config)
    about: PolicyAbout = policy_about(config, robot, make_task(config.task, robot))
    rng = np.random.default_rng(0)
    weights = rng.normal(0.0, 0.1, weight_count(about.sizes)).astype(np.float32)
    actor = MlpActor(about.sizes, weights, about.layer_norm)
    observations = rng.normal(size=(GOLDEN_PAIRS, about.sizes[0])).astype(np.float32)
    actions = np.stack([actor(observation) for observation in observations])
    save_policy(path, about, weights, observations, actions)
