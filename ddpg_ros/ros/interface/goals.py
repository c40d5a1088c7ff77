"""The topic `goal`: which message each kind of goal travels as, read and written.

A topic has one type, so the task decides which it is. `trajectory_msgs` is imported for a task
that needs it alone.
"""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from geometry_msgs.msg import PointStamped, PoseStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from ddpg_ros.errors import RefusedError, shortened
from ddpg_ros.extras import naming_extras
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.quaternion import quaternion_of, rotation_of
from ddpg_ros.ros.interface.publishers import UNKNOWN
from ddpg_ros.ros.interface.qos import LATCHED, RELIABLE, keep_quiet
from ddpg_ros.tasks.goals import (
    JOINTS,
    POINT,
    POSE,
    TRAJECTORY,
    GoalKind,
    in_order,
    trajectory_of,
)
from ddpg_ros.types import Vector

TOPIC = "goal"
_LOG_EVERY = 5.0  # [s] the same complaint
_NO_UNIT = 0.01  # deviation of a quaternion's length from 1 that is no rounding


class Codec(NamedTuple):
    """How goals of a kind become messages."""

    message: type
    read: Callable[[Any, Robot], Any]
    """Returns the goal in a message; raises RefusedError if there is none."""
    write: Callable[[Any, Robot, Header], Any]
    """Returns the message of a goal."""


def codec_of(kind: GoalKind) -> Codec:
    """Return how goals of a kind travel.

    Raises:
        MachineError: the package of the message is not installed.
    """
    if kind is TRAJECTORY:
        with naming_extras():
            messages = import_module("trajectory_msgs.msg")
        return Codec(messages.JointTrajectory, _read_trajectory, _trajectory_writer(messages))
    return _CODECS[kind.name]


def base_frame(robot: Robot) -> str:
    """Return the link in whose frame goals are: the root of the URDF."""
    children = {joint.child for joint in robot.tree}
    return next(joint.parent for joint in robot.tree if joint.parent not in children)


class GoalInput:
    """Hears goals, also those of volatile publishers, and those that were there before.

    A subscription that asks for the past hears no publisher that keeps none, such as RViz or
    `ros2 topic pub`; and those would log that it does not fit. So there is a second subscription
    for the past, which is made when a publisher that keeps it is there.
    """

    def __init__(
        self, node: Node, kind: GoalKind, robot: Robot, use: Callable[[Any], None]
    ) -> None:
        """Subscribe.

        Args:
            node: the node.
            kind: of the goals.
            robot: the arm, whose base frame and joints they have to name.
            use: called with each goal; may raise RefusedError.

        Raises:
            MachineError: as `codec_of`.
        """
        self._node, self._robot, self._use = node, robot, use
        self._codec = codec_of(kind)
        kind.prepare(robot)
        self._last: tuple[int, Any] | None = None
        self.subscriptions = [self._subscribe(RELIABLE)]
        self._topic = self.subscriptions[0].topic_name
        self._publishers = 0  # at the last look

    def _subscribe(self, qos: Any) -> Any:
        return self._node.create_subscription(
            self._codec.message,
            TOPIC,
            self._on_message,  # type: ignore[arg-type]  # rclpy looks at the arguments
            qos,
            event_callbacks=keep_quiet(),
        )

    def poll(self) -> None:
        """Look at the publishers if one has come or gone; cheap enough for ten times a second.

        DDS keeps messages of another type from us without a word, so the log has one.
        """
        count = self._node.count_publishers(self._topic)
        if count == self._publishers:
            return
        publishers = self._node.get_publishers_info_by_topic(self._topic)
        keeps = DurabilityPolicy.TRANSIENT_LOCAL
        latched = any(publisher.qos_profile.durability == keeps for publisher in publishers)
        if latched and len(self.subscriptions) == 1:
            self.subscriptions.append(self._subscribe(LATCHED))
        if any(publisher.node_name == UNKNOWN for publisher in publishers):
            return  # the next look may know its name
        self._publishers, wanted = count, _type_name(self._codec.message)
        for publisher in publishers:
            if publisher.topic_type != wanted:
                self._node.get_logger().warning(
                    f"{publisher.node_name} publishes {publisher.topic_type} on {self._topic}, "
                    f"which is not heard; the task's goals are {wanted}"
                )

    def _on_message(self, message: Any, info: dict[str, Any]) -> None:
        """Leave out what the other subscription has heard."""
        this = info["source_timestamp"], message
        if self._last is not None and self._last == this:
            return
        self._last = this
        self.on_message(message)

    def on_message(self, message: Any) -> None:
        """Take a goal, or log why it is refused."""
        try:
            self._use(self._codec.read(message, self._robot))
        except RefusedError as error:
            self._node.get_logger().warning(
                f"goal rejected: {error}; the one before stays",
                throttle_duration_sec=_LOG_EVERY,
            )

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self.subscriptions:
            self._node.destroy_subscription(subscription)
        self.subscriptions.clear()


class GoalOutput:
    """Publishes goals."""

    def __init__(self, node: Node, kind: GoalKind, robot: Robot) -> None:
        """Open the topic; raises as `codec_of`."""
        self._node, self._robot, self._codec = node, robot, codec_of(kind)
        self._frame = base_frame(robot)
        self._publisher = node.create_publisher(self._codec.message, TOPIC, LATCHED)

    def publish(self, goal: Any) -> None:
        """Publish a goal of this kind."""
        stamp = self._node.get_clock().now().to_msg()
        header = Header(frame_id=self._frame, stamp=stamp)
        self._publisher.publish(self._codec.write(goal, self._robot, header))

    def close(self) -> None:
        """Close the topic."""
        self._node.destroy_publisher(self._publisher)


def _type_name(message: type) -> str:
    """Return `geometry_msgs/msg/PointStamped`."""
    return f"{message.__module__.partition('.')[0]}/msg/{message.__name__}"


def _require_base(header: Header, robot: Robot) -> None:
    """Refuse a position in another frame than the base's; no frame counts as that."""
    frame, base = header.frame_id, base_frame(robot)
    if frame and frame.lstrip("/") != base:
        raise RefusedError(
            f"its frame_id is '{shortened(frame)}'; expected '{base}', the arm's base, or none"
        )


def _read_point(message: PointStamped, robot: Robot) -> Vector:
    _require_base(message.header, robot)
    point = message.point
    return np.array([point.x, point.y, point.z])


def _write_point(goal: Vector, robot: Robot, header: Header) -> PointStamped:
    message = PointStamped(header=header)
    message.point.x, message.point.y, message.point.z = goal.tolist()
    return message


def _read_pose(message: PoseStamped, robot: Robot) -> Vector:
    _require_base(message.header, robot)
    place, turn = message.pose.position, message.pose.orientation
    quaternion = np.array([turn.x, turn.y, turn.z, turn.w])
    length = math.hypot(*quaternion.tolist())
    if not abs(length - 1.0) <= _NO_UNIT:  # also true of NaN
        raise RefusedError(
            f"its orientation {quaternion.tolist()} has the length {length:.3g}; expected a unit "
            "quaternion"
        )
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation_of(quaternion), (place.x, place.y, place.z)
    return pose


def _write_pose(goal: Vector, robot: Robot, header: Header) -> PoseStamped:
    message = PoseStamped(header=header)
    place, turn = message.pose.position, message.pose.orientation
    place.x, place.y, place.z = goal[:3, 3].tolist()
    turn.x, turn.y, turn.z, turn.w = quaternion_of(goal[:3, :3]).tolist()
    return message


def _read_joints(message: JointState, robot: Robot) -> Vector:
    order = in_order(message.name, robot.joints)
    if len(message.position) != len(order):
        raise RefusedError(
            f"it has {len(order)} names and {len(message.position)} positions; expected one each"
        )
    return np.array([message.position[index] for index in order])


def _write_joints(goal: Vector, robot: Robot, header: Header) -> JointState:
    return JointState(header=header, name=list(robot.joints), position=goal.tolist())


def _read_trajectory(message: Any, robot: Robot) -> Any:
    stamp = message.header.stamp
    if stamp.sec or stamp.nanosec:
        raise RefusedError(
            f"its stamp is {stamp.sec}.{stamp.nanosec:09} s; expected 0: it begins when it comes"
        )
    order = in_order(message.joint_names, robot.joints)
    points = message.points
    goal = trajectory_of(
        [_seconds(point.time_from_start) for point in points],
        [point.positions for point in points],
        [point.velocities for point in points],
        len(order),
    )
    return goal.picked(order)


def _trajectory_writer(messages: Any) -> Callable[[Any, Robot, Header], Any]:
    def write(goal: Any, robot: Robot, header: Header) -> Any:
        header = Header(frame_id=header.frame_id)  # without a stamp: at once
        message = messages.JointTrajectory(header=header, joint_names=list(robot.joints))
        for number, (time, position) in enumerate(zip(goal.times, goal.positions, strict=True)):
            point = messages.JointTrajectoryPoint(positions=position.tolist())
            if goal.velocities is not None:
                point.velocities = goal.velocities[number].tolist()
            since = point.time_from_start
            since.sec, since.nanosec = divmod(round(float(time) * 1e9), 1_000_000_000)
            message.points.append(point)
        return message

    return write


def _seconds(duration: Any) -> float:
    return float(duration.sec) + 1e-9 * float(duration.nanosec)


_CODECS = {
    POINT.name: Codec(PointStamped, _read_point, _write_point),
    POSE.name: Codec(PoseStamped, _read_pose, _write_pose),
    JOINTS.name: Codec(JointState, _read_joints, _write_joints),
}
