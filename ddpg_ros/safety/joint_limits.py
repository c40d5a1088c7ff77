"""The limits of one joint as plain numbers, and which of them contradict each other."""

import math
from typing import NamedTuple

from ddpg_ros.errors import ConfigError

RATE_RATIO = 4.0
"""torque_rate_safe is at least this many times torque_rate."""


class JointLimits(NamedTuple):
    """What the guard's stages know of one joint."""

    name: str
    torque: float  # [N·m]
    velocity: float  # [rad/s]
    lower: float  # [rad], −inf for a continuous joint
    upper: float  # [rad], inf for a continuous joint
    soft_lower: float  # [rad]
    soft_upper: float  # [rad]
    k_position: float  # [1/s]
    k_velocity: float  # [N·m·s/rad]; NaN: what its inertia allows
    power: float  # [W], inf where there is no limit
    damping: float  # [N·m·s/rad] of the torque that stops; NaN: what the arm's inertia allows
    least: float  # [rad], the lower limit less the tolerance: a fault below
    greatest: float  # [rad], the upper limit and the tolerance: a fault above


def require_positive(name: str, value: float, unit: str) -> None:
    """Raise ConfigError unless `value` is a finite number above 0."""
    if not 0 < value < math.inf:
        raise ConfigError(f"{name} is {value:g} {unit}; expected a finite number above 0 {unit}.")


def check_joint(joint: JointLimits, rate_safe: float) -> None:
    """Refuse numbers out of their range, and gains that contradict.

    A torque that may move no faster than `rate_safe` has to turn round within the soft limit's own
    time, 1 / k_position. What the gains need of the arm's inertia stands in `gains.py`.

    Args:
        joint: its limits.
        rate_safe: torque_rate_safe [N·m/s].

    Raises:
        ConfigError: with the joint, the numbers and the inequality.
    """
    require_positive(f"the torque limit of joint {joint.name}", joint.torque, "N·m")
    require_positive(f"the velocity limit of joint {joint.name}", joint.velocity, "rad/s")
    require_positive(f"k_position of joint {joint.name}", joint.k_position, "1/s")
    for name, gain in (("k_velocity", joint.k_velocity), ("the damping", joint.damping)):
        if not math.isnan(gain):
            require_positive(f"{name} of joint {joint.name}", gain, "N·m·s/rad")
    if not joint.power > 0:
        raise ConfigError(
            f"the power limit of joint {joint.name} is {joint.power:g} W; expected a number above "
            "0 W, or inf for none."
        )
    if not joint.lower <= joint.soft_lower < joint.soft_upper <= joint.upper:
        raise ConfigError(
            f"joint {joint.name} has soft limits {joint.soft_lower:g} to {joint.soft_upper:g} rad "
            f"and hard limits {joint.lower:g} to {joint.upper:g} rad; expected lower ≤ soft lower "
            "< soft upper ≤ upper. Set another safety.soft_margin, or mend the URDF's "
            "safety_controller."
        )
    turn, own_time = 2.0 * joint.torque / rate_safe, 1.0 / joint.k_position
    if turn > own_time * (1.0 + 1e-9):  # the largest gain that holds is worked out from this
        raise ConfigError(
            f"joint {joint.name}: the rate limit would defeat the soft limit, as turning the "
            f"torque round takes 2 · torque / torque_rate_safe = 2 · {joint.torque:g} / "
            f"{rate_safe:g} = {turn:g} s; expected at most 1 / k_position = {own_time:g} s. Raise "
            "safety.torque_rate_safe, or lower safety.k_position."
        )
