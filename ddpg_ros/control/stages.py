"""The stages of the torque guard for one joint: pure functions of plain floats.

Plain floats, because for a handful of joints they are faster than arrays, and because every
branch of a clamp then stands where a test can see it.
"""

from typing import NamedTuple

from ddpg_ros.control.joint_limits import JointLimits


class Bounds(NamedTuple):
    """Between which torques the soft limits leave a joint; low ≤ high."""

    low: float  # [N·m]
    high: float  # [N·m]


def clamp(value: float, low: float, high: float) -> float:
    """Return the number between `low` and `high` that is closest to `value`; a NaN stays one."""
    if value < low:  # pragma: no mutate (≤ gives the same number)
        return low
    if value > high:  # pragma: no mutate (≥ gives the same number)
        return high
    return value


def soft_bounds(joint: JointLimits, position: float, velocity: float) -> Bounds:
    """Bound the torque by the soft position limits and the velocity limit.

    v_hi = clamp(−k_pos (q − q_soft⁺), ±v_max)   τ_hi = clamp(−k_vel (v − v_hi), ±τ_max)
    v_lo = clamp(−k_pos (q − q_soft⁻), ±v_max)   τ_lo = clamp(−k_vel (v − v_lo), ±τ_max)

    At a hard limit or beyond it neither bound allows a torque outwards, not even one that brakes.
    Source: the soft limits of the PR2's controllers, which ros2_control has taken over.

    Args:
        joint: its limits.
        position: q [rad], finite.
        velocity: v [rad/s], finite.
    """
    fastest, most = joint.velocity, joint.torque
    v_high = clamp(-joint.k_position * (position - joint.soft_upper), -fastest, fastest)
    v_low = clamp(-joint.k_position * (position - joint.soft_lower), -fastest, fastest)
    high = clamp(-joint.k_velocity * (velocity - v_high), -most, most)
    low = clamp(-joint.k_velocity * (velocity - v_low), -most, most)
    if position >= joint.upper:
        return Bounds(min(low, 0.0), min(high, 0.0))
    if position <= joint.lower:
        return Bounds(max(low, 0.0), max(high, 0.0))
    return Bounds(low, high)


def within_power(torque: float, velocity: float, power: float) -> float:
    """Return the torque with which the joint is driven by at most `power` [W].

    A torque against the motion takes power out of the joint and is never limited.
    """
    return power / velocity if torque * velocity > power else torque


def within_rate(torque: float, last: float, bounds: Bounds, up: float, safe: float) -> float:
    """Return the torque that is no further from the one sent last than the rate allows.

    hi = max(last + up, min(last + safe, max(0, τ_lo)))
    lo = min(last − up, max(last − safe, min(0, τ_hi)))

    Args:
        torque: wanted [N·m].
        last: sent last [N·m].
        bounds: [τ_lo, τ_hi], what the soft limits allow.
        up: how far the torque may move in any direction [N·m].
        safe: how far it may move toward zero or toward the bounds [N·m], at least `up`.
    """
    high = max(last + up, min(last + safe, max(0.0, bounds.low)))
    low = min(last - up, max(last - safe, min(0.0, bounds.high)))
    return clamp(torque, low, high)


def toward_zero(last: float, step: float) -> float:
    """Return the torque that is `step` closer to zero than the one sent last [N·m]."""
    return clamp(0.0, last - step, last + step)
