"""What a node is given on its command line."""

import subprocess
import sys

import pytest

pytest.importorskip("rclpy")

pytestmark = pytest.mark.ros


HELP, MIXED = ["--help"], ["--seed", "3", "--ros-args", "-p", "a:=1"]


@pytest.mark.parametrize(
    ("module", "given"),
    [
        ("ddpg_ros.ros.nodes.agent", HELP),
        ("ddpg_ros.ros.nodes.policy", MIXED),
        ("ddpg_ros.ros.nodes.guard", HELP),
        ("sim.simulator_node", MIXED),
    ],
)
def test_a_node_refuses_what_is_no_ros_argument_and_does_not_start(ros_domain, module, given):
    done = subprocess.run(
        [sys.executable, "-m", module, *given], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"'{given[0]}' is no ROS argument, and a node takes nothing else" in done.stderr
    assert "-p NAME:=VALUE" in done.stderr


@pytest.mark.parametrize("module", ["ddpg_ros.ros.nodes.guard", "sim.simulator_node"])
def test_a_node_refuses_a_domain_without_ports_in_a_sentence(monkeypatch, module):
    monkeypatch.setenv("ROS_DOMAIN_ID", "233")
    done = subprocess.run([sys.executable, "-m", module], capture_output=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == b"ROS_DOMAIN_ID is 233; expected 0 to 232.\n"
