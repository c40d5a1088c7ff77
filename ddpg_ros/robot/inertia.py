"""What the links of a URDF weigh: principal moments of inertia and their axes."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ddpg_ros.errors import RobotError
from ddpg_ros.robot.kinematics import Pose, transform
from ddpg_ros.robot.urdf import read_number, read_triple
from ddpg_ros.types import Vector

_ROUNDING = 1e-6  # of the largest moment: a negative one this small is 0
_TINY = 1e-15  # [kg·m²], likewise


class Inertia(NamedTuple):
    """A link's mass, and its moments in the frame of its principal axes."""

    mass: float  # [kg]
    frame: Pose  # origin at the centre of mass, axes the principal ones; in the link's frame
    moments: Vector  # (3,) [kg·m²]

    @property
    def of_a_body(self) -> bool:
        """Whether no moment is larger than the other two together."""
        return bool(2.0 * self.moments.max() <= self.moments.sum() * (1.0 + _ROUNDING))


NOTHING = Inertia(0.0, np.eye(4), np.zeros(3))
"""A frame weighs nothing."""


def read_inertia(link: ElementTree.Element, moves: bool, path: Path) -> Inertia:
    """Return what a link weighs; nothing, where it has no `<inertial>`.

    Args:
        link: the element.
        moves: whether it hangs on a joint that moves; of others the inertia does not count.
        path: the file, for the sentences.

    Raises:
        RobotError: numbers that are missing or not finite, or that no body has.
    """
    inertial = link.find("inertial")
    if inertial is None:
        return NOTHING
    where = f"{path}: the <inertial> of link '{link.get('name')}'"
    mass = read_number(inertial, "mass", "value", None, where)
    moment = {
        key: read_number(inertial, "inertia", key, None if key[1] == key[2] else 0.0, where)
        for key in ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
    }
    frame = transform(
        read_triple(inertial, "origin", "xyz", "0 0 0", where),
        read_triple(inertial, "origin", "rpy", "0 0 0", where),
    )
    moments = np.array([moment["ixx"], moment["iyy"], moment["izz"]])
    if moment["ixy"] or moment["ixz"] or moment["iyz"]:
        tensor = np.diag(moments)
        for row, column, key in ((0, 1, "ixy"), (0, 2, "ixz"), (1, 2, "iyz")):
            tensor[row, column] = tensor[column, row] = moment[key]
        moments, axes = np.linalg.eigh(tensor)
        axes[:, 0] *= np.linalg.det(axes)  # right-handed
        frame[:3, :3] = frame[:3, :3] @ axes
    negative = mass < 0 or moments.min() < -_ROUNDING * np.abs(moments).max() - _TINY
    if negative and moves:
        principal = ", ".join(f"{number:.3g}" for number in moments)
        raise RobotError(
            f"{where} has a mass of {mass:g} kg and principal moments of {principal} kg·m²; "
            "expected none below 0."
        )
    return Inertia(max(mass, 0.0), frame, np.maximum(moments, 0.0))


def rpy_of(pose: Pose) -> tuple[float, float, float]:
    """Return the URDF's roll, pitch and yaw [rad] of a pose."""
    r = pose[:3, :3]
    across = math.hypot(r[0, 0], r[1, 0])
    if across < 1e-9:  # looking straight up or down: yaw may be 0
        return math.atan2(-r[1, 2], r[1, 1]), math.atan2(-r[2, 0], across), 0.0
    return (
        math.atan2(r[2, 1], r[2, 2]),
        math.atan2(-r[2, 0], across),
        math.atan2(r[1, 0], r[0, 0]),
    )
