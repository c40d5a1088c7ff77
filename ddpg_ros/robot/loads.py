"""What each joint carries: mass behind it, inertia that it moves, torque against gravity."""

from typing import NamedTuple

import numpy as np
import pinocchio

from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.types import Vector

_SAMPLES = 512
_TURN = 2.0 * np.pi


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
    order = [model.getJointId(joint) for joint in robot.joints]
    low, high = finite_range(robot)
    drawn = np.random.default_rng(0).uniform(low, high, (_SAMPLES, len(robot.joints)))
    gravity = np.array([gravity_torque(robot, mass, position) for position in drawn])
    return Loads(
        mass=np.array([data.mass[number] for number in order]),
        inertia=mass.heaviest,
        gravity=np.abs(gravity).max(axis=0),
    )


def gravity_torque(robot: Robot, mass: MassMatrix, position: Vector) -> Vector:
    """Return the torque that holds the arm at a position against 9.81 m/s² along −z, (n,)."""
    model = mass.model
    index = np.array([model.joints[model.getJointId(joint)].idx_v for joint in robot.joints])
    ordered = np.zeros(model.nv)
    ordered[index] = position
    torque = pinocchio.computeGeneralizedGravity(model, model.createData(), ordered)
    held: Vector = np.array(torque)[index]
    return held


def finite_range(robot: Robot) -> tuple[Vector, Vector]:
    """Return the position limits, (n,) each; of a continuous joint, a turn about 0."""
    low = np.where(np.isfinite(robot.lower), robot.lower, -0.5 * _TURN)
    high = np.where(np.isfinite(robot.upper), robot.upper, 0.5 * _TURN)
    return low, high
