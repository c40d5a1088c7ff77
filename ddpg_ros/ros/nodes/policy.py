"""The policy: frozen weights, no noise, no learner, no end.

It is what goes on the robot, so it follows the wall clock, whatever `run.clock` says, and resets
nothing.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from ddpg_ros.config.settings import Config
from ddpg_ros.ros.interface.goal_marker import GoalMarker, GoalSurface
from ddpg_ros.ros.interface.goals import GoalInput
from ddpg_ros.ros.interface.step_publisher import open_trace
from ddpg_ros.ros.nodes.arm_node import ArmNode
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.tasks.goals import POINT
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.training.session_controller import SessionController


class PolicyRole:
    """Runs the file that `run.policy` names; its goals come from the topic `goal`."""

    name, output, input = "policy", "joint_command", ""
    knows_task = True

    def adapt(self, config: Config) -> Config:
        """Follow the wall clock, and reset nothing."""
        return config.with_parameters({"run.clock": "realtime", "control.reset_service": ""})

    def open(self, node: ArmNode, stack: ExitStack) -> SessionController:
        """Load the policy, prove it by its golden pairs, and subscribe to the goals."""
        self.session = ArmSession(node.config, None, endless=True)
        self.goals = GoalInput(node, self.session.goals, self.session.robot, self._take)
        stack.callback(self.goals.close)
        marker = GoalMarker(node, self.session.goals, self.session.robot)
        stack.callback(marker.close)
        if self.session.goals is POINT:
            stack.callback(GoalSurface(node, self.session.robot).close)
        trace = open_trace(node, self.session, stack)
        return SessionController(
            self.session,
            node.realtime,
            node.try_to_arm,
            announce=marker.publish,
            trace=trace,
        )

    def _take(self, goal: Any) -> None:
        self.session.give_goal(goal)

    def on_timer(self) -> None:
        """Look for publishers of goals."""
        self.goals.poll()

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
