"""The sentences with which the torque guard latches a fault."""

import math
from collections.abc import Sequence

from ddpg_ros.safety.joint_limits import JointLimits
from ddpg_ros.types import Vector


def beyond(joint: JointLimits, position: float) -> str:
    """Say whether a joint, at `position` [rad], is further out than is tolerated; '' if not."""
    if position > joint.greatest:
        side, limit = "upper", joint.upper
    elif position < joint.least:
        side, limit = "lower", joint.lower
    else:
        return ""
    return (
        f"joint {joint.name} is at {position:g} rad, {abs(position - limit):g} rad beyond its "
        f"{side} limit of {limit:g} rad; tolerated are {joint.greatest - joint.upper:g} rad. "
        "Move it back between its limits."
    )


def rejection(joints: Sequence[str], torque: Vector, position: Vector, velocity: Vector) -> str:
    """Say what is wrong with the last of a row of rejected vectors: a shape, or a number.

    Args:
        joints: n names.
        torque: as it came [N·m].
        position: as it came [rad].
        velocity: as it came [rad/s].
    """
    given = (("position", position), ("velocity", velocity), ("torque", torque))
    for what, vector in given:
        if vector.shape != (len(joints),):
            return (
                f"several vectors in a row were rejected: the {what} has shape {vector.shape}; "
                f"expected one number for each joint: {', '.join(joints)}."
            )
    wrong = [
        f"{what} of joint {joint} is {number:g}"
        for what, vector in given
        for joint, number in zip(joints, vector.tolist(), strict=True)
        if not math.isfinite(number)
    ]
    return (
        f"several vectors in a row were rejected: the {', the '.join(wrong)}; expected finite "
        "numbers."
    )
