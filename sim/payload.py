"""Hangs the payload at the arm's tip, as a link of its own."""

import xml.etree.ElementTree as ElementTree

import numpy as np

from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.inertia import Inertia
from ddpg_ros.robot.kinematics import transform
from ddpg_ros.robot.payload import Payload
from sim.description import Description


def with_payload(description: Description, robot: Robot, payload: Payload) -> Description:
    """Add the payload to an arm as PyBullet loads it; nothing if it weighs nothing.

    Args:
        description: of the arm; it is changed.
        robot: the arm.
        payload: a mass without extent in the frame of the tip.
    """
    if not payload.mass:
        return description
    name = "payload"
    while name in description.inertias:
        name += "_"
    place = " ".join(map(repr, payload.centre))
    root = description.root
    link = ElementTree.SubElement(root, "link", name=name)
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "mass", value=repr(payload.mass))
    moments = dict.fromkeys(("ixx", "iyy", "izz", "ixy", "ixz", "iyz"), "0")
    ElementTree.SubElement(inertial, "inertia", moments)
    joint = ElementTree.SubElement(root, "joint", name=name, type="fixed")
    ElementTree.SubElement(joint, "parent", link=robot.tip)
    ElementTree.SubElement(joint, "child", link=name)
    ElementTree.SubElement(joint, "origin", xyz=place, rpy="0 0 0")
    frame = transform(np.zeros(3), np.zeros(3))
    description.inertias[name] = Inertia(payload.mass, frame, np.zeros(3))
    return description
