"""Torques out: as joint states with names and stamp, or as ros2_control's plain array."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState as JointStateMessage
from std_msgs.msg import Float64MultiArray

from ddpg_ros.config.sections import ControlSection
from ddpg_ros.ros.interface.cdr import STAMP, STAMP_AT
from ddpg_ros.ros.interface.messages import JointStateWriter
from ddpg_ros.ros.interface.qos import RELIABLE, log_lost_subscribers
from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.types import Vector

_STAMP_END = STAMP_AT + STAMP.size
_LAST_COMMANDS, _LAST_INTERVAL = 6, 0.012  # a torque at rest on the way out: 6 in 60 ms


class CommandPublisher:
    """Publishes torques in the robot's joint order, [N·m]."""

    def __init__(
        self, node: Node, joints: Sequence[str], settings: ControlSection, topic: str
    ) -> None:
        """Open a topic, with the message type that `control.command_interface` selects."""
        self._named = settings.command_interface == "joint_command"
        self._node = node
        self._publisher = node.create_publisher(
            JointStateMessage if self._named else Float64MultiArray,
            topic,
            RELIABLE,
            event_callbacks=log_lost_subscribers(node),
        )
        self._writer = JointStateWriter(joints, efforts_only=True)
        self._aside = JointStateWriter(joints, efforts_only=True)
        self._last: bytes | Float64MultiArray = self._message(self._writer, [0.0] * len(joints), 0)
        self._zero = self._last if isinstance(self._last, bytes) else serialize_message(self._last)
        self._publish_bytes = self._publisher.handle.publish_raw
        self._muted = False
        self.answered = 0
        """Stamp of the state that `send` answered last [ns]."""

    @property
    def topic(self) -> str:
        """The full name of the topic."""
        return str(self._publisher.topic_name)

    @property
    def unheard(self) -> str:
        """A sentence if the topic has no subscriber; else empty."""
        if self._publisher.get_subscription_count():
            return ""
        return (
            f"nobody hears the torques on {self.topic}; start what moves the arm (the robot's "
            "driver, the guard or the simulator) there, or remap the topic to where it listens."
        )

    def send(self, torque: list[float], stamp: int) -> None:
        """Publish torques as the answer to the state of a stamp [ns]."""
        if not self._muted:
            self.answered = stamp
            self._last = self._message(self._writer, torque, stamp)
            self._publisher.publish(self._last)

    def send_again(self) -> None:
        """Publish what `send` published last."""
        self._publisher.publish(self._last)

    def send_aside(self, torque: list[float]) -> None:
        """Publish from another thread, which has a writer of its own, with the last stamp."""
        if not self._muted:
            self._publisher.publish(self._message(self._aside, torque, self.answered))

    def last_resort(self, rest: Callable[[], Vector] | None = None) -> None:
        """Publish zero torque for 60 ms, whatever else fails; nothing is published after it.

        It bypasses every part that may have failed: safety, guard, writers and rclpy's publisher.
        The stamp is that of the last command, so a guard node still accepts it.

        Args:
            rest: gives what holds the arm, (n,) [N·m], if zero would drop it; zero is sent if
                that fails.
        """
        self._muted = True
        zero = self._zero
        if rest is not None:
            with suppress(BaseException):
                holding = self._message(self._aside, rest().tolist(), 0)
                zero = holding if isinstance(holding, bytes) else serialize_message(holding)
        if self._named and isinstance(self._last, bytes):
            zero = self._last[:_STAMP_END] + zero[_STAMP_END:]
        for _ in range(_LAST_COMMANDS):
            with suppress(BaseException):  # the next one may get through
                self._publish_bytes(zero)
            with suppress(BaseException):
                time.sleep(_LAST_INTERVAL)

    def _message(
        self, writer: JointStateWriter, torque: list[float], stamp: int
    ) -> bytes | Float64MultiArray:
        return writer.write(stamp, torque) if self._named else Float64MultiArray(data=torque)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_publisher(self._publisher)


def command_topic(settings: ControlSection, named: str) -> str:
    """Return the topic of the torques: `named`, or ros2_control's."""
    return named if settings.command_interface == "joint_command" else settings.effort_topic


def wind_down(safety: Safety, commands: CommandPublisher) -> None:
    """Bring the torque to rest and repeat that for 60 ms; nothing if the driver holds the arm.

    Rest is zero or, if `robot.gravity` is `model`, what holds the arm where it was seen last.
    """
    repeated = 0
    while repeated < _LAST_COMMANDS and not safety.suppress_output:
        torque = safety.wind_down(_LAST_INTERVAL)
        repeated += safety.guard.rests
        commands.send(torque.tolist(), commands.answered)
        time.sleep(_LAST_INTERVAL)
