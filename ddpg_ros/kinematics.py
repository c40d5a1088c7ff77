"""Rigid transforms of a chain of joints."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.types import Vector

Pose = NDArray[np.float64]
"""A frame in another one: (4, 4) homogeneous transform [m]."""


class Joint(NamedTuple):
    """One URDF joint: a fixed transform from the parent link, then a rotation about `axis`."""

    name: str
    parent: str
    child: str
    origin: Pose  # the joint's frame in the parent link's
    axis: Vector  # (3,) unit vector in the joint's frame
    movable: bool

    def pose(self, angle: float) -> Pose:
        """Return the child link's frame in the parent link's at an angle [rad]."""
        if not self.movable:
            return self.origin
        pose: Pose = self.origin.copy()
        pose[:3, :3] = pose[:3, :3] @ rotation(self.axis, angle)
        return pose


def rotation(axis: Vector, angle: float) -> NDArray[np.float64]:
    """Rodrigues' rotation matrix, (3, 3), by `angle` [rad] about the unit vector `axis`."""
    x, y, z = axis.tolist()
    sin, cos = math.sin(angle), math.cos(angle)
    one = 1.0 - cos
    return np.array(
        [
            [cos + x * x * one, x * y * one - z * sin, x * z * one + y * sin],
            [y * x * one + z * sin, cos + y * y * one, y * z * one - x * sin],
            [z * x * one - y * sin, z * y * one + x * sin, cos + z * z * one],
        ]
    )


def transform(xyz: Vector, rpy: Vector) -> Pose:
    """Return the transform of a URDF origin: R = Rz(yaw) Ry(pitch) Rx(roll), then xyz [m]."""
    roll, pitch, yaw = (
        rotation(axis, angle) for axis, angle in zip(np.eye(3), rpy.tolist(), strict=True)
    )
    pose = np.eye(4)
    pose[:3, :3] = yaw @ pitch @ roll
    pose[:3, 3] = xyz
    return pose
