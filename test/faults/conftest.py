"""What the tests of faults share: a policy node at work on a fake robot, in real time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ddpg_ros.config.settings import Config
from test.conftest import free_domain
from test.processes import Process, ros_arguments
from test.ros.conftest import Start, agent, agent_parameters, make_policy, policy, robot

__all__ = ["PATIENT", "agent", "policy", "policy_node", "robot"]

PATIENT = {"safety__latch_after": 0.8}
"""Ten periods of 40 ms, as at 100 Hz and above, and as much again for a machine that is busy."""

Shared = tuple[Any, Process]  # a FakeRobot, which needs ROS to be imported, and its node

NODE = "ddpg_ros.ros.nodes.policy"


def policy_parameters(folder: Path, parameters: dict[str, object]) -> dict[str, object]:
    """Return the parameters of `policy_node`; the policy file goes to a folder."""
    period = parameters.get("control__period", Config().control.period)
    config = Config().with_parameters({"control.period": period})
    path = make_policy(folder / f"every_{period}.safetensors", config)
    given = {"run__policy": path, "safety__auto_arm": False, "safety__fallback": "zero"}
    return agent_parameters(folder) | given | parameters


@pytest.fixture
def policy_node(agent: Start, tmp_path: Path) -> Callable[..., Process]:
    """Starts a policy node that sends zero torque wherever the policy may not act.

    It has to be armed, its authority comes at once, and nothing latches for 1000 s, unless the
    parameters say otherwise.
    """

    def start(**parameters: object) -> Process:
        return agent(NODE, **policy_parameters(tmp_path, parameters))

    return start


def _shared(factory: pytest.TempPathFactory, **parameters: object) -> Iterator[Shared]:
    pytest.importorskip("rclpy")
    from test.ros.fake_robot import FakeRobot

    folder = factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch, free_domain(patch) as domain:
        robot = FakeRobot(domain)
        process = Process(folder, NODE, *ros_arguments(policy_parameters(folder, parameters)))
        yield robot, process
        robot.close()
        process.kill_family()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A fake robot and such a policy node, which the tests of a module share."""
    yield from _shared(tmp_path_factory)


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The same with deadlines; see `PATIENT`."""
    yield from _shared(tmp_path_factory, **PATIENT)
