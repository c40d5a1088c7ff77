"""What the tests of faults share: a policy node at work on a fake robot, in real time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ddpg_ros.config import Config
from test.nodes.conftest import Start, agent, make_policy, policy, robot
from test.processes import Process

__all__ = ["PATIENT", "agent", "policy", "policy_node", "robot"]

PATIENT = {"safety__latch_after": 0.4}
"""Ten periods of 40 ms, as at 100 Hz and above: a busy machine does not stumble over it."""

NODE = "ddpg_ros.nodes.policy_node"


@pytest.fixture
def policy_node(agent: Start, tmp_path: Path) -> Callable[..., Process]:
    """Starts a policy node that sends zero torque wherever the policy may not act.

    It has to be armed, its authority comes at once, and nothing latches for 1000 s, unless the
    parameters say otherwise.
    """

    def start(**parameters: object) -> Process:
        period = parameters.get("control__period", Config().control.period)
        config = Config().replace(control__period=period)
        path = make_policy(tmp_path / f"every_{period}.safetensors", config)
        given = {"run__policy": path, "safety__auto_arm": False, "safety__fallback": "zero"}
        return agent(NODE, **given | parameters)

    return start
