"""Publishes every step of every episode on `~/step`, for recordings; see `recording/steps.py`."""

import math
import os
from collections.abc import Sequence
from contextlib import ExitStack

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState as JointStateMessage

from ddpg_ros.recording.step_messages import STEP
from ddpg_ros.recording.steps import GOAL, WIDTH, Place
from ddpg_ros.ros.interface.cdr import STAMP, STAMP_AT, layout_of
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.types import JointState, Vector

_SECOND = 1_000_000_000  # [ns]
_FRAME_AT = STAMP_AT + STAMP.size + 4  # behind the length of the text
_DEPTH = 50  # steps that wait for a recorder


class StepPublisher:
    """The trace of a session, as messages."""

    def __init__(self, node: Node, joints: Sequence[str], goal_size: int) -> None:
        """Open the topic.

        Args:
            node: publishes.
            joints: of the arm, in its order.
            goal_size: numbers in the goal of the task.
        """
        self._node = node
        names = [*joints, *(f"{GOAL}{number}" for number in range(goal_size))]
        count = len(names)
        self._layout = layout_of(names, count, count, count, " " * WIDTH)
        self._no_torque = [0.0] * len(joints)
        self._no_speed = [0.0] * goal_size
        self._publisher = node.create_publisher(
            JointStateMessage, f"~/{STEP}", QoSProfile(depth=_DEPTH)
        )
        self._run = os.urandom(4).hex()
        self._phase, self._episode, self._number = "", 0, 0

    def begin(self, phase: str) -> None:
        """Number an episode that begins."""
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
    trace = StepPublisher(
        node, session.robot.joints, math.prod(session.goals.shape(session.robot))
    )
    stack.callback(trace.close)
    return trace
