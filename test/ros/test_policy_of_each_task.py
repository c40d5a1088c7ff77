"""The policy node with each task: it stays where it is, and follows a goal from the topic."""

import time

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory

from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.ros.interface.goals import codec_of
from ddpg_ros.ros.nodes import policy as policy_node
from ddpg_ros.ros.runtime.arguments import read_arguments
from ddpg_ros.ros.runtime.main import take_down
from ddpg_ros.tasks.goals import JOINTS, POSE, TRAJECTORY
from ddpg_ros.tasks.trajectory import Trajectory
from test.conftest import free_domain, wait_until
from test.processes import ros_arguments
from test.ros.conftest import make_policy

pytestmark = pytest.mark.ros

ARM = Robot.load("reacher2")
HERE, THERE = np.array([0.3, 1.2]), np.array([0.8, 0.9])
GOALS = {
    "pose": (POSE, ARM.tip_pose(THERE), PoseStamped),
    "joints": (JOINTS, THERE, JointState),
    "track": (TRAJECTORY, Trajectory(np.array([2.0]), THERE[None]), JointTrajectory),
    "hold": (JOINTS, THERE, JointState),
}


def show(node, count):
    """Hand the node states of an arm that stands still, and return the last answer's torque."""
    for _ in range(count):
        stamp = time.time_ns()
        message = JointState(
            name=list(ARM.joints), position=HERE.tolist(), velocity=[0.0, 0.0], effort=[0.0, 0.0]
        )
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        data = bytes(serialize_message(message))
        node.states.on_message(data, {"publication_sequence_number": None})
        time.sleep(0.04)
    return node.safety.guard.last


@pytest.fixture(params=GOALS)
def run(request, tmp_path):
    """A policy node of a task, in this process; recordings are on, as on a robot."""
    config = Config().with_parameters({"task.name": request.param})
    policy = make_policy(tmp_path / "any.safetensors", config)
    given = {"run__policy": policy, "task__name": request.param, "safety__auto_arm": True}
    with pytest.MonkeyPatch.context() as patch, free_domain(patch):
        rclpy.init()
        node = policy_node.make_node(read_arguments(ros_arguments(given)))
        robot = rclpy.create_node("robot")
        robot.create_subscription(JointState, "joint_command", lambda _: None, 1)
        node.start()
        yield request.param, node
        ends = [node.rest, node.destroy_node, robot.destroy_node, rclpy.try_shutdown]
        take_down(ends, None)


def where(kind, goal):
    """Return what a goal comes to in the end, as numbers."""
    return goal.at(1e9)[0] if kind is TRAJECTORY else kind.numbers(goal)


def test_the_policy_stays_until_a_goal_comes_and_a_task_without_goals_says_so(run):
    task, node = run
    kind, goal, message_type = GOALS[task]
    codec = codec_of(kind)
    assert codec.message is message_type
    wait_until(lambda: node.safety.armed, what="the arming", turn=lambda: show(node, 1))
    show(node, 1)
    session = node.role.session
    stays = where(kind, kind.here(ARM, HERE))
    assert where(kind, session.goal) == pytest.approx(stays)
    node.role.goals.on_message(codec.write(goal, ARM, Header(frame_id="base")))
    torque = show(node, 3)
    assert np.isfinite(torque).all() and torque.any()
    wanted = stays if task == "hold" else where(kind, goal)
    assert where(kind, session.goal) == pytest.approx(wanted, abs=1e-6)
