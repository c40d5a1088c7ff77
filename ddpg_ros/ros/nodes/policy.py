"""The policy: frozen weights, no noise, no learner, no end.

It is what goes on the robot, so it follows the wall clock, whatever `run.clock` says, and resets
nothing.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
from geometry_msgs.msg import PointStamped

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import RefusedError
from ddpg_ros.ros.interface.qos import LATCHED
from ddpg_ros.ros.interface.step_publisher import open_trace
from ddpg_ros.ros.nodes.arm_node import ArmNode
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.training.session_controller import SessionController

_LOG_EVERY = 5.0  # [s] the same complaint


class PolicyRole:
    """Runs the file that `run.policy` names; its goals come from the topic `goal`."""

    name, output, input = "policy", "joint_command", ""
    knows_task = True

    def adapt(self, config: Config) -> Config:
        """Follow the wall clock, and reset nothing."""
        return config.with_parameters({"run.clock": "realtime", "control.reset_service": ""})

    def open(self, node: ArmNode, stack: ExitStack) -> SessionController:
        """Load the policy, prove it by its golden pairs, and subscribe to the goals."""
        self._node = node
        self.session = ArmSession(node.config, None, endless=True)
        goals = node.create_subscription(PointStamped, "goal", self.on_goal, LATCHED)
        stack.callback(node.destroy_subscription, goals)
        trace = open_trace(node, self.session, stack)
        return SessionController(self.session, node.realtime, node.try_to_arm, trace=trace)

    def on_goal(self, message: PointStamped) -> None:
        """Take a goal, or log why it is refused."""
        goal = np.array([message.point.x, message.point.y, message.point.z])
        try:
            self.session.give_goal(goal)
        except RefusedError as error:
            self._node.get_logger().warning(
                f"goal rejected: {error}; the one before stays",
                throttle_duration_sec=_LOG_EVERY,
            )

    def on_timer(self) -> None:
        """Do nothing: the goals come by themselves."""

    def interrupt(self) -> None:
        """Do nothing: a policy never waits."""


def make_node(arguments: Arguments) -> ArmNode:
    """Return a policy node."""
    return ArmNode(PolicyRole(), arguments)


def main(args: Sequence[str] | None = None) -> int:
    """Run the policy node: `ros2 run ddpg_ros policy`."""
    return run_node(make_node, args)


if __name__ == "__main__":
    sys.exit(main())
