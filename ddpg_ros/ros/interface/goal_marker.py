"""Markers for RViz and Foxglove: the goal, and where a click can put one."""

import math
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from rclpy.node import Node
from std_msgs.msg import ColorRGBA

from ddpg_ros.extras import how_to_install
from ddpg_ros.robot.arm import Robot
from ddpg_ros.ros.interface.goals import base_frame
from ddpg_ros.ros.interface.qos import LATCHED
from ddpg_ros.tasks.goals import JOINTS, POINT, POSE, TRAJECTORY, GoalKind
from ddpg_ros.types import Vector

TOPIC, SURFACE_TOPIC = "goal_marker", "goal_surface"
_RADIUS, _AXIS, _WIDTH = 0.05, 0.15, 0.01  # of the arm's reach
_LINE_POINTS = 64  # of a trajectory
_POSTURES = 256  # whose mean height a click has
_GREEN = ColorRGBA(r=0.2, g=0.7, b=0.35, a=0.8)
_GREY = ColorRGBA(r=0.6, g=0.6, b=0.6, a=0.15)
_AXES = [ColorRGBA(r=1.0, a=1.0), ColorRGBA(g=1.0, a=1.0), ColorRGBA(b=1.0, a=1.0)]


class GoalMarker:
    """Publishes a sphere for a point, axes for a pose or posture, the way for a trajectory."""

    def __init__(self, node: Node, kind: GoalKind, robot: Robot) -> None:
        """Open the topic, or log what is missing for it."""
        self._node, self._kind, self._robot = node, kind, robot
        self._messages: Any = None
        with suppress(ModuleNotFoundError):
            self._messages = import_module("visualization_msgs.msg")
        if self._messages is None:
            node.get_logger().info(
                f"there is no {TOPIC} for RViz without visualization_msgs; "
                f"{how_to_install('visualization_msgs')}."
            )
            return
        self._publisher = node.create_publisher(self._messages.Marker, TOPIC, LATCHED)

    def publish(self, goal: Any) -> None:
        """Show a goal of this kind instead of the last one."""
        if self._messages is None:
            return
        size = self._robot.reach or 1.0
        marker = self._messages.Marker(ns="goal", action=self._messages.Marker.ADD)
        marker.header.frame_id = base_frame(self._robot)
        marker.header.stamp = self._node.get_clock().now().to_msg()
        marker.pose.orientation.w = 1.0
        marker.color = _GREEN
        marker.scale.x = marker.scale.y = marker.scale.z = _WIDTH * size
        if self._kind is POINT:
            marker.type = marker.SPHERE
            marker.pose.position = _point(goal)
            marker.scale.x = marker.scale.y = marker.scale.z = 2.0 * _RADIUS * size
        elif self._kind is TRAJECTORY:
            marker.type = marker.LINE_STRIP
            times = np.linspace(0.0, goal.duration, _LINE_POINTS)
            places = [self._robot.tip_position(goal.at(float(time))[0]) for time in times]
            marker.points = [_point(place) for place in places]
        elif self._kind in (POSE, JOINTS):
            pose = goal if self._kind is POSE else self._robot.tip_pose(goal)
            marker.type = marker.LINE_LIST
            for axis, colour in enumerate(_AXES):
                end = pose[:3, 3] + _AXIS * size * pose[:3, axis]
                marker.points += [_point(pose[:3, 3]), _point(end)]
                marker.colors += [colour, colour]
        else:
            return
        self._publisher.publish(marker)

    def close(self) -> None:
        """Close the topic."""
        if self._messages is not None:
            self._node.destroy_publisher(self._publisher)


class GoalSurface:
    """Shows a disc, once, for a tool such as RViz's "Publish Point".

    The tool gives the point on what is under the pointer, and there is nothing between arm and
    grid. The disc is as wide as the arm reaches, at the mean height of its fingertip: in the plane
    of an arm that moves in one.
    """

    def __init__(self, node: Node, robot: Robot) -> None:
        """Open the topic and publish; without visualization_msgs, do nothing."""
        self._node, self._publisher = node, None
        try:
            messages: Any = import_module("visualization_msgs.msg")
        except ModuleNotFoundError:
            return  # GoalMarker has said so
        marker = messages.Marker(ns="surface", type=messages.Marker.CYLINDER, color=_GREY)
        marker.header.frame_id = base_frame(robot)  # at any time: no stamp
        (x, y, z), radius = robot.workspace
        height = _mean_height(robot)
        marker.pose.position = Point(x=float(x), y=float(y), z=height)
        marker.pose.orientation.w = 1.0
        wide = 2.0 * math.sqrt(max(radius**2 - (height - z) ** 2, 0.0))
        marker.scale.x = marker.scale.y = float(wide)
        marker.scale.z = 1e-3 * robot.reach
        self._publisher = node.create_publisher(messages.Marker, SURFACE_TOPIC, LATCHED)
        self._publisher.publish(marker)

    def close(self) -> None:
        """Close the topic."""
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)


def _mean_height(robot: Robot) -> float:
    """Return the fingertip's mean height [m] over postures drawn evenly within the limits."""
    lower, upper = (np.clip(limit, -math.pi, math.pi) for limit in (robot.lower, robot.upper))
    postures = np.random.default_rng(0).uniform(lower, upper, (_POSTURES, len(robot.joints)))
    return float(np.mean([robot.tip_position(posture)[2] for posture in postures]))


def _point(place: Vector) -> Point:
    x, y, z = place.tolist()
    return Point(x=x, y=y, z=z)
