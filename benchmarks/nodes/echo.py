"""Answers each joint state with itself: what the middleware costs at any rate, for `bench`.

rclpy's own executor and message objects, nothing of ours; topics, QoS and transport are those
of the agent.
"""

import os

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from ddpg_ros.ros.runtime.transport import choose_transport


class Echo(Node):
    """Sends every state back as a command."""

    def __init__(self) -> None:
        """Open the topics."""
        super().__init__("echo")
        commands = self.create_publisher(JointState, "joint_command", QoSProfile(depth=1))
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.create_subscription(JointState, "joint_states", commands.publish, newest)


def main() -> None:
    """Run until a signal, or until whoever started this is gone."""
    parent = os.getppid()
    choose_transport()
    rclpy.init()
    executor = SingleThreadedExecutor()
    executor.add_node(Echo())
    while os.getppid() == parent:
        executor.spin_once(timeout_sec=1.0)


if __name__ == "__main__":
    main()
