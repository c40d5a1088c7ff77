"""The policy: a control node with frozen weights, no noise, no learner, no end.

It is what goes on the robot, so it follows the wall clock, whatever `run.clock` says, and resets
nothing.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.qos import DurabilityPolicy, QoSProfile

from ddpg_ros.errors import RefusedError
from ddpg_ros.ros.nodes.control_node import ControlNode
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.training.session import Session

_LOG_EVERY = 5.0  # [s] the same complaint
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class PolicyNode(ControlNode):
    """Runs the file that `run.policy` names; its goals come from the topic `goal`."""

    def __init__(self, arguments: Arguments) -> None:
        """Read the parameters."""
        super().__init__("policy", arguments, realtime=True)
        self.config = self.config.with_parameters(
            {"run.clock": "realtime", "control.reset_service": ""}, source="the policy node"
        )

    def make_session(self) -> Session:
        """Load the policy and prove it by its golden pairs."""
        return Session(self.config, None, endless=True)

    def connect(self, stack: ExitStack) -> None:
        """Listen to whoever sets goals."""
        super().connect(stack)
        goals = self.create_subscription(PointStamped, "goal", self._on_goal, _LATCHED)
        stack.callback(self.destroy_subscription, goals)

    def _on_goal(self, message: PointStamped) -> None:
        goal = np.array([message.point.x, message.point.y, message.point.z])
        try:
            self.session.give_goal(goal)
        except RefusedError as error:
            self.get_logger().warning(
                f"goal rejected: {error}; the one before stays",
                throttle_duration_sec=_LOG_EVERY,
            )


def main(args: Sequence[str] | None = None) -> int:
    """Run the policy node: `ros2 run ddpg_ros policy`."""
    return run_node(PolicyNode, args)


if __name__ == "__main__":
    sys.exit(main())
