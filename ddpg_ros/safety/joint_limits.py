"""The limits of one joint as plain numbers, and the check that they are consistent."""

import math
from typing import NamedTuple

from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.units import TURNS, Units

RATE_RATIO = 4.0
"""Smallest ratio of torque_rate_safe to torque_rate."""


class JointLimits(NamedTuple):
    """The limits and gains of one joint, for the guard's stages; [m] and [N] if it slides."""

    name: str
    torque: float  # [N·m]
    velocity: float  # [rad/s]
    lower: float  # [rad], −inf for a continuous joint
    upper: float  # [rad], inf for a continuous joint
    soft_lower: float  # [rad]
    soft_upper: float  # [rad]
    k_position: float  # [1/s]
    k_velocity: float  # [N·m·s/rad]; NaN: what the arm's inertia allows
    power: float  # [W]; inf: no limit
    damping: float  # [N·m·s/rad] in a stop; NaN: what the arm's inertia allows
    least: float  # [rad], the lower limit minus the tolerance; a position below is a fault
    greatest: float  # [rad], the upper limit plus the tolerance; a position above is a fault
    units: Units = TURNS


def require_positive(name: str, value: float, unit: str) -> None:
    """Raise ConfigError unless `value` is a finite number above 0."""
    if not 0 < value < math.inf:
        raise ConfigError(f"{name} is {value:g} {unit}; expected a finite number above 0 {unit}.")


def check_joint(joint: JointLimits, rate_safe: float) -> None:
    """Refuse limits out of range, and limits that contradict each other.

    A soft limit acts only if the torque can reverse within the limit's time constant,
    1 / k_position, at a rate of at most `rate_safe`. `gains.py` checks the gains against the
    arm's inertia.

    Args:
        joint: its limits.
        rate_safe: torque_rate_safe [N·m/s].

    Raises:
        ConfigError: with the joint, the numbers and the inequality that fails.
    """
    units = joint.units
    require_positive(f"the torque limit of joint {joint.name}", joint.torque, units.torque)
    require_positive(f"the velocity limit of joint {joint.name}", joint.velocity, units.velocity)
    require_positive(f"k_position of joint {joint.name}", joint.k_position, "1/s")
    for name, gain in (("k_velocity", joint.k_velocity), ("the damping", joint.damping)):
        if not math.isnan(gain):
            require_positive(f"{name} of joint {joint.name}", gain, units.damping)
    if not joint.power > 0:
        raise ConfigError(
            f"the power limit of joint {joint.name} is {joint.power:g} W; expected a number above "
            "0 W, or inf for none."
        )
    if not joint.lower <= joint.soft_lower < joint.soft_upper <= joint.upper:
        raise ConfigError(
            f"joint {joint.name} has soft limits {joint.soft_lower:g} to {joint.soft_upper:g} "
            f"{units.position} and hard limits {joint.lower:g} to {joint.upper:g} "
            f"{units.position}; expected lower ≤ soft lower < soft upper ≤ upper. Set another "
            f"{'safety.soft_margin' if units is TURNS else 'safety.sliding_margin'}, or fix the "
            "URDF's safety_controller."
        )
    reversal, time_constant = 2.0 * joint.torque / rate_safe, 1.0 / joint.k_position
    if reversal > time_constant * (1.0 + 1e-9):  # `gains.py` advises gains at this very limit
        raise ConfigError(
            f"joint {joint.name}: the rate limit would defeat the soft limit, as reversing the "
            f"torque takes 2 · torque / torque_rate_safe = 2 · {joint.torque:g} / "
            f"{rate_safe:g} = {reversal:g} s; expected at most 1 / k_position = "
            f"{time_constant:g} s. Raise safety.torque_rate_safe, or lower safety.k_position."
        )
