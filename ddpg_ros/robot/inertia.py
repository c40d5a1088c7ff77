"""The `<inertial>` of a URDF link: mass, principal moments of inertia and their axes."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ddpg_ros.config.sections import LIGHTEST
from ddpg_ros.errors import RobotError
from ddpg_ros.robot.kinematics import Pose, transform
from ddpg_ros.robot.numbers import read_number, read_place
from ddpg_ros.types import Vector

_ROUNDING = 1e-6  # relative to the largest moment: a negative moment this small counts as 0
_TINY = 1e-15  # [kg·m²] likewise, in absolute terms


class Inertia(NamedTuple):
    """A link's mass and its principal moments of inertia."""

    mass: float  # [kg]
    frame: Pose  # centre of mass and principal axes, in the link's frame
    moments: Vector  # (3,) [kg·m²] about the axes of `frame`

    @property
    def is_physical(self) -> bool:
        """Whether a rigid body can have these moments: none exceeds the sum of the other two."""
        return bool(2.0 * self.moments.max() <= self.moments.sum() * (1.0 + _ROUNDING))


MASSLESS = Inertia(0.0, np.eye(4), np.zeros(3))
"""The inertia of a link without `<inertial>`."""


def read_inertia(link: ElementTree.Element, moves: bool, path: Path) -> Inertia:
    """Return a link's inertia; `MASSLESS` if the link has no `<inertial>`.

    Args:
        link: the element.
        moves: whether a commanded joint moves the link; only then must its inertia be positive.
        path: the file, for error messages.

    Raises:
        RobotError: a number is missing or not finite, or a moving link has a negative mass or
            principal moment, or a mass that is next to none.
    """
    inertial = link.find("inertial")
    if inertial is None:
        return MASSLESS
    where = f"{path}: the <inertial> of link '{link.get('name')}'"
    mass = read_number(inertial, "mass", "value", None, where)
    moment = {
        key: read_number(inertial, "inertia", key, None if key[1] == key[2] else 0.0, where)
        for key in ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
    }
    frame = transform(*read_place(inertial, where))
    moments = np.array([moment["ixx"], moment["iyy"], moment["izz"]])
    if moment["ixy"] or moment["ixz"] or moment["iyz"]:
        tensor = np.diag(moments)
        for row, column, key in ((0, 1, "ixy"), (0, 2, "ixz"), (1, 2, "iyz")):
            tensor[row, column] = tensor[column, row] = moment[key]
        moments, axes = np.linalg.eigh(tensor)
        axes[:, 0] *= np.linalg.det(axes)  # eigh may return left-handed axes
        frame[:3, :3] = frame[:3, :3] @ axes
    negative = mass < 0 or moments.min() < -_ROUNDING * np.abs(moments).max() - _TINY
    if negative and moves:
        principal = ", ".join(f"{number:.3g}" for number in moments)
        raise RobotError(
            f"{where} has a mass of {mass:g} kg and principal moments of {principal} kg·m²; "
            "expected none below 0."
        )
    if moves and 0.0 < mass < LIGHTEST:
        raise RobotError(
            f"{where} has a mass of {mass:g} kg; expected 0, or at least {LIGHTEST:g} kg."
        )
    return Inertia(max(mass, 0.0), frame, np.maximum(moments, 0.0))


def rpy_of(pose: Pose) -> tuple[float, float, float]:
    """Return roll, pitch and yaw [rad] of a pose, by URDF's convention."""
    r = pose[:3, :3]
    cos_pitch = math.hypot(r[0, 0], r[1, 0])
    pitch = math.atan2(-r[2, 0], cos_pitch)
    if cos_pitch < 1e-9:  # gimbal lock: roll and yaw are not unique, so yaw is 0
        return math.atan2(-r[1, 2], r[1, 1]), pitch, 0.0
    return math.atan2(r[2, 1], r[2, 2]), pitch, math.atan2(r[1, 0], r[0, 0])
