"""What each joint carries: mass behind it, inertia that it moves, torque against gravity."""

from typing import NamedTuple

import numpy as np
import pinocchio

from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.types import Vector


class Loads(NamedTuple):
    """Of n joints, (n,) each."""

    mass: Vector  # [kg] of what the joint moves
    inertia: Vector  # [kg·m²], [kg] if it slides: the largest that it moves
    gravity: Vector  # [N·m], [N]: the largest torque against gravity over the range


def loads_of(robot: Robot, mass: MassMatrix) -> Loads:
    """Return what each joint of an arm carries, over positions spread over its range.

    Args:
        robot: the arm.
        mass: its mass matrix.
    """
    model, data = mass.model, mass.model.createData()
    pinocchio.computeSubtreeMasses(model, data)
    behind = [data.mass[model.getJointId(joint)] for joint in robot.joints]
    return Loads(np.array(behind), mass.heaviest, mass.heaviest_weight)


def finite_range(robot: Robot) -> tuple[Vector, Vector]:
    """Return the position limits, (n,) each; of a continuous joint, a turn about 0."""
    low = np.where(np.isfinite(robot.lower), robot.lower, -np.pi)
    high = np.where(np.isfinite(robot.upper), robot.upper, np.pi)
    return low, high
