"""The package's log in a node: to rclpy's logger, by severity."""

import logging

import pytest

pytest.importorskip("rclpy")

from rclpy.logging import get_logger

from ddpg_ros.ros.runtime.log import RosHandler
from test.conftest import wait_until
from test.processes import Process, ros_arguments


@pytest.fixture
def log():
    """A logger of Python's with a handler of its own."""
    logger = logging.Logger("ddpg_ros.of_a_test", logging.INFO)
    yield logger
    logger.handlers.clear()


def test_records_of_every_severity_reach_rclpys_logger_in_turn(log, capfd):
    log.addHandler(RosHandler(get_logger("agent")))
    for level in ("info", "warning", "error", "info", "critical"):  # rclpy refuses to mix them
        getattr(log, level)("the %s", level)
    lines = [line for line in capfd.readouterr().err.splitlines() if "[agent]" in line]
    severities = [line.split("]")[0].strip("[ ") for line in lines]
    texts = [line.rpartition(": ")[2] for line in lines]
    assert severities == ["INFO", "WARN", "ERROR", "INFO", "ERROR"]
    assert texts == ["the info", "the warning", "the error", "the info", "the critical"]


def test_a_logger_that_fails_ends_nothing(log):
    class Broken:
        def info(self, text):
            raise RuntimeError(text)

    log.addHandler(RosHandler(Broken()))
    log.info("lost")


@pytest.mark.slow
@pytest.mark.ros
def test_what_a_node_says_when_it_leaves_is_on_rosout_and_in_its_log_file(
    robot, policy, tmp_path, ros_domain, monkeypatch
):
    from rcl_interfaces.msg import Log
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from sensor_msgs.msg import JointState

    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    heard = []
    latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    robot.node.create_subscription(Log, "/rosout", lambda m: heard.append(m.msg), latched)
    robot.node.create_publisher(JointState, "joint_command", 1)  # the arm has a commander
    given = ros_arguments({"run__policy": policy})
    node = Process(tmp_path, "ddpg_ros.ros.nodes.policy", *given)
    try:
        wait_until(lambda: not node.running, turn=robot.turn)
        assert node.exit(1.0) == 2
        last = [line for line in heard if "another node publishes on /joint_command" in line]
        assert last and "Traceback" not in node.said
        files = "".join(file.read_text() for file in (tmp_path / "log").glob("*.log"))
        assert last[0] in files and last[0] in node.said
    finally:
        node.kill_family()
