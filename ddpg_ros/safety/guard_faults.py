"""The fault messages of the torque guard."""

import math
from collections.abc import Sequence

from ddpg_ros.safety.joint_limits import JointLimits
from ddpg_ros.types import Vector


def beyond(joint: JointLimits, position: float) -> str:
    """Return the fault of a joint too far beyond its hard limits; empty if it is not.

    Args:
        joint: its limits.
        position: [rad].
    """
    if position > joint.greatest:
        side, limit = "upper", joint.upper
    elif position < joint.least:
        side, limit = "lower", joint.lower
    else:
        return ""
    unit = joint.units.position
    return (
        f"joint {joint.name} is at {position:g} {unit}, {abs(position - limit):g} {unit} beyond "
        f"its {side} limit of {limit:g} {unit}; tolerated are "
        f"{joint.greatest - joint.upper:g} {unit}. Move it back between its limits."
    )


def rejection(joints: Sequence[str], torque: Vector, position: Vector, velocity: Vector) -> str:
    """Return the fault of a row of rejected vectors: the shape or the number that is wrong.

    Args:
        joints: n names.
        torque: the last one rejected [N·m].
        position: likewise [rad].
        velocity: likewise [rad/s].
    """
    vectors = (("position", position), ("velocity", velocity), ("torque", torque))
    for quantity, vector in vectors:
        if vector.shape != (len(joints),):
            return (
                f"several vectors in a row were rejected: the {quantity} has shape "
                f"{vector.shape}; expected one number for each joint: {', '.join(joints)}."
            )
    wrong = [
        f"{quantity} of joint {joint} is {number:g}"
        for quantity, vector in vectors
        for joint, number in zip(joints, vector.tolist(), strict=True)
        if not math.isfinite(number)
    ]
    return (
        f"several vectors in a row were rejected: the {', the '.join(wrong)}; expected finite "
        "numbers."
    )
