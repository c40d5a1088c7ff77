"""Who is to record the steps, found over the real graph."""

import pytest

rclpy = pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState

from ddpg_ros.ros.interface import step_publisher
from ddpg_ros.ros.interface.step_publisher import StepPublisher
from test.conftest import wait_until

pytestmark = pytest.mark.ros


@pytest.fixture
def agent(ros_domain):
    rclpy.init()
    node = rclpy.create_node("agent")
    yield node
    node.destroy_node()
    rclpy.try_shutdown()


def steps_of(node):
    return StepPublisher(node, ["hinge"], range(3), "/joint_command", asked=True)


def hear(node, topic):
    node.create_subscription(JointState, topic, lambda message: None, 10)


def test_a_recorder_is_a_node_that_hears_the_steps_and_the_torques(agent):
    steps = steps_of(agent)
    recorder, robot = rclpy.create_node("recorder"), rclpy.create_node("robot")
    try:
        hear(robot, "/joint_command")
        hear(recorder, "/agent/step")
        wait_until(lambda: agent.count_subscribers("/agent/step"), what="the recorder")
        assert steps.unheard() == "no recorder hears /agent/step and /joint_command yet."
        hear(recorder, "/joint_command")
        wait_until(lambda: not steps.unheard(), what="both")
    finally:
        recorder.destroy_node()
        robot.destroy_node()


def test_a_recorder_that_never_comes_is_waited_for_a_while_and_then_missed_once(
    agent, monkeypatch
):
    said, clock = [], [100.0]
    monkeypatch.setattr(step_publisher.time, "monotonic", lambda: clock[0])
    steps = steps_of(agent)
    logger = type("Logger", (), {"warning": lambda self, sentence: said.append(sentence)})()
    monkeypatch.setattr(agent, "get_logger", lambda: logger)
    assert steps.unheard()
    clock[0] += 19.0
    assert steps.unheard()
    clock[0] += 2.0
    assert not steps.unheard()
    assert not said
    steps.begin("train")
    steps.begin("train")
    (sentence,) = said
    assert "no recorder hears /agent/step and /joint_command" in sentence
