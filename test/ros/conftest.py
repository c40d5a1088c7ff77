"""A fake robot, agent processes and a policy file for the tests of the nodes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ddpg_ros.build import policy_about
from ddpg_ros.config.settings import Config
from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.control.policy import GOLDEN_PAIRS, save_policy
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks import make_task
from test.processes import Process, ros_arguments

Start = Callable[..., Process]


@pytest.fixture
def robot(ros_domain: int) -> Iterator[object]:
    """A fake two-link arm on this test's domain."""
    pytest.importorskip("rclpy")
    from test.ros.fake_robot import FakeRobot

    robot = FakeRobot(ros_domain)
    yield robot
    robot.close()


@pytest.fixture
def agent(tmp_path: Path, ros_domain: int) -> Iterator[Start]:
    """Starts agents with parameters on top of the defaults; whatever is left is ended."""
    started: list[Process] = []

    def start(module: str = "ddpg_ros.ros.nodes.agent", **parameters: object) -> Process:
        given = agent_parameters(tmp_path) | parameters
        started.append(Process(tmp_path, module, *ros_arguments(given)))
        return started[-1]

    yield start
    for process in started:
        process.kill_family()


def agent_parameters(folder: Path) -> dict[str, object]:
    """Return what suits a test of an agent whose run directory is to be in a folder."""
    given: dict[str, object] = {"run__directory": folder / "run", "run__eval_episodes": 1000}
    given |= {"learner__mode": "eager"}  # nothing here waits for a compiler
    given |= {"safety__latch_after": 1000.0}  # a test takes its time between states
    return given | {"safety__auto_arm": True, "safety__ramp_seconds": 0.0}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy of random weights for the default configuration."""
    return make_policy(tmp_path / "random.safetensors", Config())


def make_policy(path: Path, config: Config, constant: float | None = None) -> Path:
    """Write a policy of random weights, or one that asks for tanh(constant) of each limit."""
    robot = Robot.of(config)
    about = policy_about(config, robot, make_task(config.task, robot))
    rng = np.random.default_rng(7)
    weights = rng.normal(0.0, 0.2, weight_count(about.sizes)).astype(np.float32)
    if constant is not None:
        weights *= 0.0
        weights[-about.sizes[-1] :] = constant  # the last layer's bias
    actor = MlpActor(about.sizes, weights)
    observations = rng.uniform(-1, 1, (GOLDEN_PAIRS, about.sizes[0])).astype(np.float32)
    actions = np.stack([actor(observation) for observation in observations])
    save_policy(path, about, weights, observations, actions)
    return path
