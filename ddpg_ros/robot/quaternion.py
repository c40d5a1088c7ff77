"""Rotations as quaternions, for messages and for the simulator; pinocchio does the work."""

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from ddpg_ros.types import Vector


def quaternion_of(rotation: NDArray[np.float64]) -> Vector:
    """Return the unit quaternion x, y, z, w, (4,), of a rotation matrix, (3, 3)."""
    coefficients: Vector = np.array(pin.Quaternion(rotation).normalized().coeffs())
    return coefficients


def rotation_of(quaternion: Vector) -> NDArray[np.float64]:
    """Return the rotation matrix, (3, 3), of a quaternion x, y, z, w, (4,), of any length."""
    matrix: NDArray[np.float64] = pin.Quaternion(quaternion).normalized().toRotationMatrix()
    return matrix
