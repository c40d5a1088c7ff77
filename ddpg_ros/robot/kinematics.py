"""Rigid transforms of a chain of joints."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.types import Vector

Pose = NDArray[np.float64]
"""A frame in another one: (4, 4) homogeneous transform [m]."""

ROTARY = ("revolute", "continuous")
"""Types of the joints that can be commanded."""


class Joint(NamedTuple):
    """One URDF joint: a fixed transform from the parent link, then a motion along its axis."""

    name: str
    kind: str  # the URDF's type
    parent: str
    child: str
    origin: Pose  # the joint's frame in the parent link's
    axis: Vector  # (3,) unit vector in the joint's frame
    lower: float  # [rad], [m] of a prismatic joint; −inf where there is no limit
    upper: float
    leader: str  # the joint that it mimics; empty: none
    multiplier: float  # mimic: position = multiplier · leader's + offset
    offset: float  # [rad] or [m]

    def at(self, position: float) -> Pose:
        """Return the child's frame in the parent's for a position [rad], [m] if prismatic."""
        motion = np.eye(4)
        if self.kind == "prismatic":
            motion[:3, 3] = position * self.axis
        elif self.kind in ROTARY:
            motion[:3, :3] = rotation(self.axis, position)
        pose: Pose = self.origin @ motion
        return pose


class Chain:
    """Forward kinematics of a chain of joints, with all that never changes worked out once.

    By Rodrigues, a joint's frame is O + sin θ O K + (1 − cos θ) O K², O its origin and K the
    cross product with its axis: (1, sin θ, 1 − cos θ) times three constant matrices. A joint that
    does not move is part of the next one's origin.
    """

    def __init__(
        self, joints: Sequence[Joint], commanded: Sequence[str], held: Mapping[str, float]
    ) -> None:
        """Take the arm as it stands.

        Args:
            joints: from base to tip.
            commanded: names, in the order of the angles.
            held: positions of the joints that could move and are not commanded [rad], [m].
        """
        fixed: Pose = np.eye(4)
        self._moving: list[tuple[int, NDArray[np.float64]]] = []  # from the tip to the base
        for joint in joints:
            fixed = fixed @ joint.at(held.get(joint.name, 0.0))
            if joint.name in commanded:
                cross = np.zeros((4, 4))
                cross[:3, :3] = cross_matrix(joint.axis)
                terms = np.stack((fixed, fixed @ cross, fixed @ cross @ cross)).reshape(3, 16)
                self._moving.insert(0, (list(commanded).index(joint.name), terms))
                fixed = np.eye(4)
        self._last = fixed  # from the last joint that moves to the tip

    def tip_pose(self, position: Vector) -> Pose:
        """Return the tip's frame in the base frame; `position` is (n,) [rad]."""
        angles = position.tolist()
        pose: Pose = self._last.copy()
        for index, terms in self._moving:
            half = math.sin(0.5 * angles[index])
            factors = (1.0, math.sin(angles[index]), 2.0 * half * half)  # 1 − cos θ
            pose = np.dot(factors, terms).reshape(4, 4).dot(pose)
        return pose


def cross_matrix(axis: Vector) -> NDArray[np.float64]:
    """Return K with K v = axis × v, (3, 3)."""
    x, y, z = axis.tolist()
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


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
