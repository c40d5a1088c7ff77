"""Draws an arm whose file has nothing to draw: a stick from joint to joint, a ball at each."""

import xml.etree.ElementTree as ElementTree

import numpy as np

from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.inertia import rpy_of
from ddpg_ros.robot.kinematics import Joint
from ddpg_ros.types import Vector

_STICK, _BALL, _TIP = 0.015, 0.025, 0.032  # radii, of the reach
_NO_REACH = 0.5  # [m] assumed size of an arm whose reach is 0
_SHORT = 1e-3  # of the reach: a shorter stick is not drawn
_COLOURS = {"stick": "0.35 0.4 0.5 1", "joint": "0.9 0.55 0.2 1", "tip": "0.2 0.6 0.35 1"}


def add_sticks(root: ElementTree.Element, robot: Robot) -> None:
    """Add visuals to the links between base and tip.

    Args:
        root: the rewritten URDF; it is changed.
        robot: the arm.
    """
    links = {link.get("name"): link for link in root.findall("link")}
    size = robot.reach or _NO_REACH
    for joint in robot.chain:
        origin = joint.at(robot.held.get(joint.name, 0.0))[:3, 3]
        _stick(links[joint.parent], np.zeros(3), origin, size)
        if joint.name in robot.joints:
            _ball(links[joint.child], "joint", size)
            if joint.kind == "prismatic":
                _stick(links[joint.child], np.zeros(3), _rod(joint), size)
    _ball(links[robot.tip], "tip", size)


def _rod(joint: Joint) -> Vector:
    """Return the way back to where a joint is at 0, from its limit that is further from 0."""
    furthest = joint.upper if joint.upper > -joint.lower else joint.lower
    return -furthest * joint.axis


def _ball(link: ElementTree.Element, colour: str, size: float) -> None:
    geometry = _visual(link, np.zeros(3), (0.0, 0.0, 0.0), colour)
    radius = _TIP if colour == "tip" else _BALL
    ElementTree.SubElement(geometry, "sphere", radius=repr(radius * size))


def _stick(link: ElementTree.Element, start: Vector, end: Vector, size: float) -> None:
    length = float(np.linalg.norm(end - start))
    if length < _SHORT * size:
        return
    along = (end - start) / length
    aside = np.eye(3)[int(np.abs(along).argmin())]
    first = np.cross(aside, along)
    first /= np.linalg.norm(first)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([first, np.cross(along, first), along])
    geometry = _visual(link, (start + end) / 2.0, rpy_of(pose), "stick")
    ElementTree.SubElement(geometry, "cylinder", radius=repr(_STICK * size), length=repr(length))


def _visual(
    link: ElementTree.Element, place: Vector, rpy: tuple[float, float, float], colour: str
) -> ElementTree.Element:
    visual = ElementTree.SubElement(link, "visual")
    xyz = " ".join(map(repr, place.tolist()))
    ElementTree.SubElement(visual, "origin", xyz=xyz, rpy=" ".join(map(repr, rpy)))
    geometry = ElementTree.SubElement(visual, "geometry")
    material = ElementTree.SubElement(visual, "material", name=f"ddpg_ros {colour}")
    ElementTree.SubElement(material, "color", rgba=_COLOURS[colour])
    return geometry
