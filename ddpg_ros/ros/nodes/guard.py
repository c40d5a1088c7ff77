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
from ddpg_ros.control.rhythm import TickClock
from ddpg_ros.errors import JointStateError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.ros.interface.messages import JointMap
from ddpg_ros.ros.nodes.safe_node import NEWEST, SafeNode
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.safety.deadlines import Deadlines
from ddpg_ros.safety.recent_stamps import RecentStamps
from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.types import JointState


class GuardNode(SafeNode):
    """Commands in, guarded commands out."""

    def __init__(self, arguments: Arguments) -> None:
        """Read the parameters."""
        super().__init__(
            "guard", arguments, "guarded_command", realtime=True, wanted="joint_command"
        )

    def build(self, stack: ExitStack) -> tuple[Robot, Safety]:
        """Build the guard."""
        robot, guard = build_guard(self.config)
        self._wanted = JointMap(robot.joints)
        self._rhythm = TickClock(self.config.control.period)
        self._state: JointState | None = None
        self._commanded_at = time.monotonic()
        self._rejected = self._ignored = 0
        self._stray = ""  # what is wrong with the stamp of the newest command
        deadlines = Deadlines.of(self.config.control.period, self.config.safety.latch_after)
        self._recent = RecentStamps(deadlines.degrade)
        return robot, make_safety(self.config, guard, watches_commands=True)

    def connect(self, stack: ExitStack) -> None:
        """Listen to the policy."""
        commands = self.create_subscription(
            JointStateMessage, "joint_command", self._on_command, NEWEST, raw=True
        )
        stack.callback(self.destroy_subscription, commands)
        self.hurry(stack, commands)

    def on_state(self, state: JointState, clock_jumped: bool) -> None:
        """Keep the newest state, and the stamps that a command may answer."""
        self._state = state
        if clock_jumped:
            self._recent.clear()
        self._recent.add(state.stamp, time.monotonic())

    def obstacle(self) -> str:
        """Commands that answer no recent state stand against arming."""
        return self._stray

    def _on_command(self, message: bytes) -> None:
        try:
            stamp, torque = self._wanted.command(message)
        except JointStateError as error:
            self._rejected += 1
            self.get_logger().warning(f"command rejected: {error}", throttle_duration_sec=5.0)
            return
        state = self._state
        if not self.active or state is None:
            return
        now = time.monotonic()
        if not self._recent.answered_by(stamp, now):
            self._ignore(stamp, state.stamp)
            return
        self._stray = ""
        dt, self._commanded_at = now - self._commanded_at, now
        self._rhythm.add(dt)
        self.safety.commanded(now)
        if self.safety.state_is_stale(now):
            return
        if not self.safety.armed:
            self.arm_by_itself()
        sent = self.safety.apply(torque, state.position, state.velocity, dt)
        self.send(sent, stamp)

    def _ignore(self, stamp: int, newest: int) -> None:
        self._ignored += 1
        self._stray = (
            f"a command on joint_command has the stamp {1e-9 * stamp:.3f} s and answers no recent "
            f"joint state, the newest of which has {1e-9 * newest:.3f} s; its header.stamp must "
            "be that of the state that it answers."
        )
        self.get_logger().warning(
            f"command ignored ({self._ignored} so far): {self._stray}", throttle_duration_sec=5.0
        )

    def values(self) -> dict[str, object]:
        """Return the rhythm of the commands."""
        rhythm = {f"tick.{name}": value for name, value in self._rhythm.take()._asdict().items()}
        return rhythm | {
            "commands.rejected": self._rejected,
            "commands.ignored": self._ignored,
        }


def main(args: Sequence[str] | None = None) -> int:
    """Run the guard node: `ros2 run ddpg_ros guard`."""
    return run_node(GuardNode, args)


if __name__ == "__main__":
    sys.exit(main())
