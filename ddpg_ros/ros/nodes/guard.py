"""The guard as a process of its own, between the policy and the hardware's command topic.

    policy ── joint_command ──▶ guard ── guarded_command ──▶ robot
                                  ▲──────── joint_states ────┘

A publisher cannot outlive SIGKILL, and many a driver keeps the last effort for ever. This node
passes on what its own guard lets pass, and goes safe when commands or states stop. It follows
the wall clock, whatever `run.clock` says.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from sensor_msgs.msg import JointState as JointStateMessage

from ddpg_ros.build import build_guard, make_safety
from ddpg_ros.config.settings import Config
from ddpg_ros.control.guard_controller import GuardController
from ddpg_ros.errors import JointStateError
from ddpg_ros.ros.interface.messages import JointMap
from ddpg_ros.ros.interface.qos import NEWEST
from ddpg_ros.ros.nodes.arm_node import ArmNode
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.safety.deadlines import Deadlines

_LOG_EVERY = 5.0  # [s] the same complaint


class GuardRole:
    """Commands in, guarded commands out."""

    name, output, input = "guard", "guarded_command", "joint_command"
    knows_task = False

    def adapt(self, config: Config) -> Config:
        """Follow the wall clock."""
        return config.with_parameters({"run.clock": "realtime"})

    def open(self, node: ArmNode, stack: ExitStack) -> GuardController:
        """Build the guard, and listen to the policy."""
        config = node.config
        robot, guard = build_guard(config)
        safety = make_safety(config, guard, watches_commands=True)
        deadlines = Deadlines.of(config.control.period, config.safety.latch_after)
        self._node = node
        self._joints = JointMap(robot.joints)
        self._controller = GuardController(robot, safety, deadlines, node.try_to_arm)
        commands = node.create_subscription(
            JointStateMessage, self.input, self.on_command, NEWEST, raw=True
        )
        stack.callback(node.destroy_subscription, commands)
        node.hurry(stack, [commands])
        return self._controller

    def on_command(self, message: bytes) -> None:
        """Pass a command on, guarded."""
        log, controller = self._node.get_logger(), self._controller
        try:
            stamp, torque = self._joints.command(message)
        except JointStateError as error:
            controller.rejected += 1
            log.warning(f"command rejected: {error}", throttle_duration_sec=_LOG_EVERY)
            return
        if not self._node.active:
            return
        command = controller.on_command(stamp, torque, time.monotonic())
        if command is not None:
            self._node.send(command)
        elif controller.stray and (stamp or torque.any()):  # else a policy without a state yet
            log.warning(
                f"command ignored ({controller.ignored} so far): {controller.stray}",
                throttle_duration_sec=_LOG_EVERY,
            )

    def on_timer(self) -> None:
        """Do nothing: the watchdog looks at the clock."""

    def interrupt(self) -> None:
        """Do nothing: the guard never waits."""


def make_node(arguments: Arguments) -> ArmNode:
    """Return a guard node."""
    return ArmNode(GuardRole(), arguments)


def main(args: Sequence[str] | None = None) -> int:
    """Run the guard node: `ros2 run ddpg_ros guard`."""
    return run_node(make_node, args)


if __name__ == "__main__":
    sys.exit(main())
