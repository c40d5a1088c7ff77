"""No node sends through shared memory, which somebody who is killed can block for a second."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from ddpg_ros.ros.runtime import transport
from ddpg_ros.ros.runtime.transport import choose_transport
from test.conftest import wait_until
from test.processes import Process

OURS = str(Path(transport.__file__).with_name("udp_on_this_host.xml"))
RANGE, PEERS = "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS"
ONLY = "ROS_LOCALHOST_ONLY"
PROFILES, TRANSPORTS = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS"
LOCAL = {RANGE: "SYSTEM_DEFAULT", PROFILES: OURS}

OUTSIDER = """
import sys, time, rclpy
from pathlib import Path
from sensor_msgs.msg import JointState
rclpy.init()
node = rclpy.create_node("outsider")
heard = []
node.create_subscription(JointState, "joint_states", heard.append, 1)
end = time.monotonic() + 30.0
while not heard and time.monotonic() < end:
    rclpy.spin_once(node, timeout_sec=0.1)
print(len(heard[0].name), "/fastrtps_" in Path("/proc/self/maps").read_text())
"""


def chosen(**given):
    environment = dict(given)
    choose_transport(environment)
    return environment


@pytest.mark.parametrize(
    "given",
    [
        {},
        {RANGE: "LOCALHOST"},
        LOCAL | {RANGE: "LOCALHOST"},
        {RANGE: "SUBNET", ONLY: "1"},
        LOCAL | {ONLY: "1"},
    ],
)
def test_on_this_host_a_profile_of_udp_alone_stands_in_for_what_rmw_adds(given):
    assert chosen(**given) == LOCAL


def test_a_node_that_a_node_starts_has_the_same_profile():
    assert chosen(**LOCAL)[PROFILES] == OURS


def test_beyond_this_host_fast_dds_leaves_shared_memory_out():
    assert chosen(**{RANGE: "SUBNET"}) == {RANGE: "SUBNET", TRANSPORTS: "UDPv4"}


@pytest.mark.parametrize(
    "given",
    [
        {RANGE: "LOCALHOST", PROFILES: "/home/ada/profiles.xml"},
        {RANGE: "SUBNET", TRANSPORTS: "LARGE_DATA"},
        {RANGE: "LOCALHOST", PEERS: "192.0.2.7"},
    ],
)
def test_who_says_more_has_his_will(given):
    assert chosen(**given) == given


def test_another_middleware_is_left_alone(monkeypatch):
    monkeypatch.setattr(
        transport, "get_rmw_implementation_identifier", lambda: "rmw_cyclonedds_cpp"
    )
    assert chosen() == {RANGE: "LOCALHOST"}


@pytest.mark.ros
@pytest.mark.bullet
@pytest.mark.parametrize("reach", ["LOCALHOST", "SUBNET"])
@pytest.mark.slow
def test_a_node_shares_no_memory_with_an_outsider_who_would_and_is_heard_by_him(
    reach, tmp_path, ros_domain, monkeypatch
):
    monkeypatch.setenv(RANGE, reach)
    for name in (PROFILES, TRANSPORTS):
        monkeypatch.delenv(name, raising=False)
    simulator = Process(tmp_path, "sim.simulator_node")
    try:
        wait_until(lambda: "states on" in simulator.said, what="the simulator")
        outsider = subprocess.run(
            [sys.executable, "-c", OUTSIDER], capture_output=True, text=True, timeout=60.0
        )
        assert outsider.stdout == "2 True\n", outsider.stderr
        maps = Path(f"/proc/{simulator.popen.pid}/maps").read_text(encoding="utf-8")
        assert "libfastrtps" in maps and "/fastrtps_" not in maps
    finally:
        simulator.kill_family()
