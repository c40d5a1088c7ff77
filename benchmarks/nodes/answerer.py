"""Answers joint states with one of three executors, read as objects or as bytes.

`python -m benchmarks.nodes.answerer standard|events|ours objects|bytes`: rclpy's
SingleThreadedExecutor, rclpy's EventsExecutor, or `ros/runtime/executor.py`.
"""

import os
import sys
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from ddpg_ros.ros.interface.messages import JointMap, JointStateWriter
from ddpg_ros.ros.runtime.executor import make_executor
from ddpg_ros.ros.runtime.transport import choose_transport

JOINTS = ("shoulder", "elbow")
_QOS = QoSProfile(depth=1)


class Answerer(Node):
    """Maps each state to arrays and sends the velocities back as efforts."""

    def __init__(self, as_bytes: bool) -> None:
        """Open the topics."""
        super().__init__("answerer")
        self._joints = JointMap(JOINTS)
        self._writer = JointStateWriter(JOINTS, efforts_only=True)
        self._publisher = self.create_publisher(JointState, "pong", _QOS)
        answer = self._answer_bytes if as_bytes else self._answer_object
        states = self.create_subscription(JointState, "ping", answer, _QOS, raw=as_bytes)
        self.urgent = {states}
        self._parent = os.getppid()
        self.create_timer(0.5, self._leave_with_the_benchmark)

    def _answer_bytes(self, message: bytes) -> None:
        state = self._joints.state(message)
        self._publisher.publish(self._writer.write(state.stamp, state.velocity.tolist()))

    def _answer_object(self, message: JointState) -> None:
        state = self._joints.state(message)
        self._publisher.publish(
            JointState(header=message.header, name=JOINTS, effort=state.velocity.tolist())
        )

    def _leave_with_the_benchmark(self) -> None:
        if os.getppid() != self._parent:
            os._exit(0)


def main(executor: str, reading: str) -> None:
    """Answer until the process is killed."""
    choose_transport()
    rclpy.init()
    node = Answerer(reading == "bytes")
    if executor == "ours":
        ours = make_executor(node)
        while True:
            ours.turn()
    turning: Any
    if executor == "events":
        from rclpy.experimental.events_executor import EventsExecutor

        turning = EventsExecutor()
        turning.add_node(node)
        while True:  # see benchmarks/executors.py
            turning.spin_once(timeout_sec=0.1)
    turning = SingleThreadedExecutor()
    turning.add_node(node)
    turning.spin()


if __name__ == "__main__":
    main(*sys.argv[1:])
