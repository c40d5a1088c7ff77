"""Publishes every step of every episode on `~/step`, for recordings; see `recording/steps.py`."""

import math
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState as JointStateMessage

from ddpg_ros.recording.steps import COMMAND, GOAL, STEP, WIDTH, Place
from ddpg_ros.ros.interface.cdr import STAMP, STAMP_AT, layout_of
from ddpg_ros.ros.interface.commands import command_topic
from ddpg_ros.tasks.goals import JOINTS
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.types import JointState, Vector

_SECOND = 1_000_000_000  # [ns]
_FRAME_AT = STAMP_AT + STAMP.size + 4  # behind the length of the text
_DEPTH = 50  # steps that wait for a recorder
_PATIENCE = 20.0  # [s] for a recorder that is yet to listen


class StepPublisher:
    """The trace of a session, as messages."""

    def __init__(
        self, node: Node, joints: Sequence[str], goal: Sequence[object], commands: str, asked: bool
    ) -> None:
        """Open the topic.

        Args:
            node: publishes.
            joints: of the arm, in its order.
            goal: what to call each number of the task's goal.
            commands: the topic of its torques, which a recording needs as well.
            asked: whether the user asked for a recording, and is told if nobody makes one.
        """
        self._node = node
        self._commands, self._asked = commands, asked
        self._waits_since = math.inf  # [s], monotonic
        self._is_heard = False
        names = [*joints, *(f"{GOAL}{name}" for name in goal)]
        count = len(names)
        self._layout = layout_of(names, count, count, count, " " * WIDTH)
        self._no_torque = [0.0] * len(joints)
        self._no_speed = [0.0] * len(goal)
        self._publisher = node.create_publisher(
            JointStateMessage, f"~/{STEP}", QoSProfile(depth=_DEPTH)
        )
        self._run = os.urandom(4).hex()
        self._phase, self._episode, self._number = "", 0, 0

    def unheard(self) -> str:
        """Say that no recorder listens yet; empty once one does, or never came."""
        now = time.monotonic()
        self._waits_since = min(self._waits_since, now)
        if self._heard() or now - self._waits_since > _PATIENCE:
            return ""
        return f"no recorder hears {self._topics()} yet."

    def _heard(self) -> bool:
        """Return whether some node hears both topics."""
        if not self._is_heard:
            steps, torques = (
                {
                    (reader.node_namespace, reader.node_name)
                    for reader in self._node.get_subscriptions_info_by_topic(topic)
                }
                for topic in (self._publisher.topic_name, self._commands)
            )
            self._is_heard = bool(steps & torques)
        return self._is_heard

    def _topics(self) -> str:
        return f"{self._publisher.topic_name} and {self._commands}"

    def begin(self, phase: str) -> None:
        """Number an episode that begins; warn once if a recording that was asked for misses it."""
        if self._asked and not self._heard():
            self._asked = False
            self._node.get_logger().warning(
                f"run.record is set, and no recorder hears {self._topics()}: what comes before "
                "one does is not recorded. Start it first (ros2 run ddpg_ros recorder), or set "
                "run.record to off."
            )
        self._phase, self._number = phase, 0
        self._episode += 1

    def record(self, state: JointState, requested: Vector | None, goal: Vector) -> None:
        """Publish a step; see `session_controller.Trace`."""
        place = Place(self._run, self._phase, self._episode, self._number, requested is None)
        torque = self._no_torque if requested is None else requested.tolist()
        message = self._layout.write(
            *divmod(state.stamp, _SECOND),
            state.position.tolist() + goal.tolist(),
            state.velocity.tolist() + self._no_speed,
            torque + self._no_speed,
        )
        end = _FRAME_AT + WIDTH
        self._publisher.publish(message[:_FRAME_AT] + place.text().encode() + message[end:])
        self._number += 1

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_publisher(self._publisher)


def open_trace(node: Node, session: ArmSession, stack: ExitStack) -> StepPublisher | None:
    """Return the trace of a session, which `stack` closes; None if the run is not recorded."""
    if session.config.recording == "off":
        return None
    joints, size = session.robot.joints, math.prod(session.goals.shape(session.robot))
    names = joints if session.goals is JOINTS else range(size)  # joints may change their order
    commands = node.resolve_topic_name(command_topic(session.config.control, COMMAND))
    asked = session.config.run.record != "auto"
    trace = StepPublisher(node, joints, names, commands, asked)
    stack.callback(trace.close)
    return trace
