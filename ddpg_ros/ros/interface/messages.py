"""sensor_msgs/JointState to numpy and back, joints matched by name.

Messages are read as objects or, from a subscription with `raw=True`, as bytes, which takes a fifth
of the time. A publisher accepts both.
"""

from collections import Counter, deque
from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState as JointStateMessage

from ddpg_ros.errors import ForeignJointsError, JointNamesError, JointStateError, few_of
from ddpg_ros.ros.interface.cdr import ENCAPSULATION, STAMP, STAMP_AT, Layout, layout_of
from ddpg_ros.types import JointState, Vector

MOST_BYTES = 65_536
"""The longest message that is read; longer ones are rejected unread."""

_DEVICES = 4  # on the same topic, besides the arm, whose messages are recognised at once
_SECOND = 1_000_000_000  # [ns]


class _Parts(NamedTuple):
    stamp: int  # [ns]
    position: Sequence[float]
    velocity: Sequence[float]
    effort: Sequence[float]


class JointMap:
    """Maps the joints of a message to the robot's order.

    Messages may name the joints in any order, name further joints, and change the order. The map
    remembers the layout of the last message, so a message with the same layout costs one
    comparison. The same holds for messages of other devices, such as a gripper, which name none
    of the robot's joints.
    """

    def __init__(self, joints: Sequence[str]) -> None:
        """Take the robot's joint names, in the robot's order."""
        self._joints = list(joints)
        self._names: list[str] = []
        self._index: list[int] = []
        self._in_order = False  # the message's order is the robot's
        self._layout: Layout | None = None  # of messages in bytes with these names
        # Of messages that name none of the robot's joints, and what they name.
        self._foreign: deque[tuple[Layout, str]] = deque(maxlen=_DEVICES)

    def state(self, message: JointStateMessage | bytes) -> JointState:
        """Return a message as a joint state, its arrays in the robot's order.

        Raises:
            ForeignJointsError: the message is another device's; it names none of our joints.
            JointStateError: a joint is missing or named twice, the arrays differ in length (an
                empty velocity does), a number is not finite, the stamp is no time, or the bytes
                are no joint state or too many.
        """
        stamp, position, velocity, _ = self._parts(message)
        if not velocity and position:
            raise JointStateError(
                "there is no velocity in the message, and the guard needs one of each joint; "
                "have the driver publish velocities (with ros2_control: a velocity state "
                "interface for each joint)"
            )
        return JointState(
            stamp, self._pick(position, "position"), self._pick(velocity, "velocity")
        )

    def command(self, message: JointStateMessage | bytes) -> tuple[int, Vector]:
        """Return the stamp [ns] and the torques, (n,) [N·m]; raises as `state` does."""
        parts = self._parts(message)
        return parts.stamp, self._pick(parts.effort, "effort")

    def effort(self, message: JointStateMessage | bytes) -> Vector:
        """Return the torques of a command, (n,) [N·m]; raises as `state` does."""
        return self.command(message)[1]

    def _parts(self, message: JointStateMessage | bytes) -> _Parts:
        layout = self._layout
        if isinstance(message, bytes):
            if layout is not None:
                fields = layout.read(message)
                if fields is not None:
                    seconds, nanoseconds, *arrays = fields
                    return _Parts(_nanoseconds(seconds, nanoseconds), *arrays)
            for foreign, sentence in self._foreign:
                if foreign.read(message) is not None:
                    raise ForeignJointsError(sentence)
            data, message = message, _from_bytes(message)
            self._learn_order(message, data)
            layout = _layout_of(message)
            self._layout = layout if layout.read(data) is not None else None  # an unusual encoding
        else:
            self._learn_order(message)
        return _Parts(stamp_to_ns(message), message.position, message.velocity, message.effort)

    def _learn_order(self, message: JointStateMessage, data: bytes = b"") -> None:
        names = message.name
        if names == self._names and names:
            return
        at = {name: index for index, name in enumerate(names)}
        missing = [joint for joint in self._joints if joint not in at]
        if names and len(missing) == len(self._joints):
            sentence = f"no joint {few_of(missing)} in the message; it names: {few_of(names)}"
            layout = _layout_of(message)
            if layout.read(data) is not None:
                self._foreign.append((layout, sentence))
            raise ForeignJointsError(sentence)
        if len(at) != len(names):
            twice = [name for name, count in Counter(names).items() if count > 1]
            raise JointStateError(f"joints named twice: {few_of(twice)}")
        if missing:
            raise JointNamesError(
                f"no joint {few_of(missing)} in the message; it names: {few_of(names) or 'none'}"
            )
        self._index = [at[joint] for joint in self._joints]
        self._in_order = self._index == list(range(len(names)))
        self._names = list(names)
        self._layout = None

    def _pick(self, values: Sequence[float], what: str) -> Vector:
        if len(values) != len(self._names):
            raise JointStateError(f"{len(self._names)} names but {len(values)} of {what}")
        if not self._in_order:
            values = [values[index] for index in self._index]
        if not isfinite(sum(values)) and not all(map(isfinite, values)):  # a sum may overflow
            raise JointStateError(f"{what} is not finite: {list(values)}")
        return np.array(values, dtype=np.float64)


class JointStateWriter:
    """Writes joint states of the same names over and over, as bytes to publish."""

    def __init__(self, names: Sequence[str], *, efforts_only: bool = False) -> None:
        """Take the joint names; with `efforts_only`, position and velocity stay empty."""
        count = len(names)
        states = 0 if efforts_only else count
        self._layout = layout_of(names, states, states, count)

    def write(
        self,
        stamp: int,
        effort: Sequence[float],
        position: Sequence[float] = (),
        velocity: Sequence[float] = (),
    ) -> bytes:
        """Return the message, stamped `stamp` [ns], with the numbers given.

        Raises:
            struct.error: not one number a joint.
        """
        return self._layout.write(*divmod(stamp, _SECOND), position, velocity, effort)


def stamp_to_ns(message: JointStateMessage | bytes) -> int:
    """Return the header's stamp [ns].

    Raises:
        JointStateError: bytes that are no joint state, a stamp that is no time.
    """
    if isinstance(message, bytes):
        if message[:STAMP_AT] == ENCAPSULATION and len(message) >= STAMP_AT + STAMP.size:
            return _nanoseconds(*STAMP.unpack_from(message, STAMP_AT))
        message = _from_bytes(message)
    stamp = message.header.stamp
    return _nanoseconds(stamp.sec, stamp.nanosec)


def clock_to_bytes(stamp: int) -> bytes:
    """Return a rosgraph_msgs/Clock of a time [ns], as bytes to publish."""
    return ENCAPSULATION + STAMP.pack(*divmod(stamp, _SECOND))


def _nanoseconds(seconds: int, nanoseconds: int) -> int:
    """Return a stamp as one number [ns], which can be written into an answer again."""
    if seconds < 0 or nanoseconds >= _SECOND:
        raise JointStateError(
            f"the stamp of {seconds} s and {nanoseconds} ns is no time; expected seconds from 0 "
            "on, and less than 1000000000 ns"
        )
    return seconds * _SECOND + nanoseconds


def _from_bytes(data: bytes) -> JointStateMessage:
    if len(data) > MOST_BYTES:
        raise JointStateError(
            f"a message of {len(data)} bytes; expected at most {MOST_BYTES}, a thousand joints"
        )
    try:
        return deserialize_message(data, JointStateMessage)
    except RuntimeError as error:  # rclpy's
        raise JointStateError(f"{len(data)} bytes are no joint state: {error}") from None


def _layout_of(message: JointStateMessage) -> Layout:
    lengths = len(message.position), len(message.velocity), len(message.effort)
    return layout_of(message.name, *lengths, message.header.frame_id)
