"""What must hold before a policy gets its say: fresh states, an arm inside its limits, at rest."""

import numpy as np

from ddpg_ros.errors import RefusedError
from ddpg_ros.safety.limits import Limits
from ddpg_ros.types import Vector

ARMING_STATES = 10
"""Valid states in a row before the arm may be armed, or a latch reset."""


def require_states(age: float, oldest: float, valid: int) -> None:
    """Refuse where the newest state is older than `oldest` [s], or too few came in a row."""
    if age > oldest:
        raise RefusedError("no fresh joint state is there; look at the robot's driver.")
    if valid < ARMING_STATES:
        raise RefusedError(
            f"only {valid} usable joint states in a row so far; expected {ARMING_STATES}."
        )


def require_commands(age: float, oldest: float) -> None:
    """Refuse where the newest command from another process is older than `oldest` [s].

    A guard that was armed in advance would let the arm move when somebody starts a policy.
    """
    if age > oldest:
        raise RefusedError("no command comes from the policy; start or reset the policy first.")


def require_inside(position: Vector, limits: Limits, soft: bool) -> None:
    """Refuse a position, (n,) [rad], outside the soft or else the hard limits."""
    lower, upper, which = (
        (limits.soft_lower, limits.soft_upper, "soft")
        if soft
        else (limits.lower, limits.upper, "hard")
    )
    for joint in np.flatnonzero((position < lower) | (position > upper)):
        raise RefusedError(
            f"joint {limits.joints[joint]} is at {position[joint]:.4g} rad, outside its {which} "
            f"limits of {lower[joint]:.4g} to {upper[joint]:.4g} rad; move it inside first."
        )


def require_rest(velocity: Vector, allowed: float) -> None:
    """Refuse where a joint moves faster than `allowed` [rad/s]; `velocity` is (n,)."""
    fastest = np.abs(velocity).max()
    if fastest > allowed:
        raise RefusedError(
            f"a joint moves at {fastest:.3g} rad/s; at most {allowed:g} rad/s "
            "(safety.arming_velocity) is allowed when arming."
        )
