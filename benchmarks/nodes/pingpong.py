"""Two nodes that only echo joint states: what the middleware alone costs, for `bench`.

`python -m benchmarks.nodes.pingpong ping|pong`; `ping` prints cycles per second as JSON.
"""

import json
import os
import sys
import time

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from ddpg_ros.ros.runtime.transport import choose_transport

_WARM_UP, _COUNTED = 1000, 8000  # [cycles]
_QOS = QoSProfile(depth=1)


class Pong(Node):
    """Sends every message back."""

    def __init__(self) -> None:
        """Open the topics."""
        super().__init__("pong")
        self._publisher = self.create_publisher(JointState, "pong", _QOS)
        self.create_subscription(JointState, "ping", self._publisher.publish, _QOS)
        self.finished = False
        self._parent = os.getppid()
        self.create_timer(0.5, self._look)

    def _look(self) -> None:
        self.finished = os.getppid() != self._parent  # the benchmark was killed


class Ping(Node):
    """Sends a two-joint state as soon as the last one is back."""

    def __init__(self) -> None:
        """Open the topics; the first message goes out when the other side is there."""
        super().__init__("ping")
        self._publisher = self.create_publisher(JointState, "ping", _QOS)
        self._message = JointState(
            name=["shoulder", "elbow"],
            position=[0.1, 0.2],
            velocity=[0.3, 0.4],
            effort=[0.5, 0.6],
        )
        self.finished = False
        self._cycles = 0
        self._began_at = 0.0
        self.create_subscription(JointState, "pong", self._on_pong, _QOS)
        self.create_timer(0.1, self._start)

    def _start(self) -> None:
        if self._cycles == 0 and self.count_subscribers("ping") and self.count_publishers("pong"):
            self._publisher.publish(self._message)

    def _on_pong(self, _: JointState) -> None:
        self._cycles += 1
        if self._cycles == _WARM_UP:
            self._began_at = time.monotonic()
        if self._cycles == _WARM_UP + _COUNTED:
            rate = _COUNTED / (time.monotonic() - self._began_at)
            print(json.dumps({"cycles_per_s": rate}), flush=True)
            self.finished = True
            return
        self._message.header.stamp.nanosec = self._cycles
        self._publisher.publish(self._message)


def main(role: str) -> None:
    """Run one side with rclpy's own executor, nothing of ours."""
    choose_transport()
    rclpy.init()
    node = Ping() if role == "ping" else Pong()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while not node.finished:
        executor.spin_once()


if __name__ == "__main__":
    main(sys.argv[1])
