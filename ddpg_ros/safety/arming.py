"""Conditions for arming: fresh joint states, and an arm inside its limits, at rest and held."""

import numpy as np

from ddpg_ros.errors import RefusedError
from ddpg_ros.safety.limits import Limits
from ddpg_ros.types import Vector

ARMING_STATES = 10
"""Valid states in a row that arming, or the reset of a latch, requires."""


def require_states(age: float, oldest: float, valid: int) -> None:
    """Refuse if the newest state is too old, or too few valid states came in a row.

    Args:
        age: of the newest state [s].
        oldest: largest age allowed [s].
        valid: number of valid states in a row.
    """
    if age > oldest:
        raise RefusedError("no fresh joint state is there; look at the robot's driver.")
    if valid < ARMING_STATES:
        raise RefusedError(
            f"only {valid} usable joint states in a row so far; expected {ARMING_STATES}."
        )


def require_commands(age: float, oldest: float) -> None:
    """Refuse if the newest command from another process is too old.

    Otherwise an armed guard would let the arm move the moment a policy is started.

    Args:
        age: of the newest command [s].
        oldest: largest age allowed [s].
    """
    if age > oldest:
        raise RefusedError("no command comes from the policy; start or reset the policy first.")


def require_inside(position: Vector, limits: Limits, soft: bool) -> None:
    """Refuse a position outside the limits.

    Args:
        position: (n,) [rad].
        limits: of the arm.
        soft: whether the soft limits count, or else the hard ones.
    """
    lower, upper, which = (
        (limits.soft_lower, limits.soft_upper, "soft")
        if soft
        else (limits.lower, limits.upper, "hard")
    )
    for joint in np.flatnonzero((position < lower) | (position > upper)):
        unit = limits.by_joint()[joint].units.position
        raise RefusedError(
            f"joint {limits.joints[joint]} is at {position[joint]:.4g} {unit}, outside its "
            f"{which} limits of {lower[joint]:.4g} to {upper[joint]:.4g} {unit}; move it inside "
            "first."
        )


def require_rest(velocity: Vector, limits: Limits, allowed: float) -> None:
    """Refuse if a joint is faster than `allowed` [rad/s]; `velocity` is (n,) [rad/s]."""
    fastest = int(np.abs(velocity).argmax())
    if abs(velocity[fastest]) > allowed:
        joint = limits.by_joint()[fastest]
        raise RefusedError(
            f"joint {joint.name} moves at {abs(velocity[fastest]):.3g} {joint.units.velocity}; at "
            f"most {allowed:g} {joint.units.velocity} (safety.arming_velocity) is allowed when "
            "arming."
        )


def require_carried(weight: Vector, limits: Limits) -> None:
    """Refuse if the torque limits do not hold the arm where it is.

    Args:
        weight: g(q), what carries the arm there, (n,) [N·m].
        limits: of the arm.
    """
    for joint in np.flatnonzero(np.abs(weight) > limits.torque):
        unit = limits.by_joint()[joint].units.torque
        raise RefusedError(
            f"joint {limits.joints[joint]} needs {abs(weight[joint]):.4g} {unit} to hold the arm "
            f"here, and its torque limit is {limits.torque[joint]:.4g} {unit}; move the arm to "
            "where it weighs less first."
        )
