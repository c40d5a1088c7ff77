"""The stages of the torque guard for one joint: pure functions of plain floats.

For a handful of joints plain floats are faster than arrays, and every branch of a clamp is a line
that a test can cover.
"""

from typing import NamedTuple

from ddpg_ros.safety.joint_limits import JointLimits


class Bounds(NamedTuple):
    """An interval of torques for one joint; low ≤ high."""

    low: float  # [N·m]
    high: float  # [N·m]


def clamp(value: float, low: float, high: float) -> float:
    """Return `value` clamped to [low, high]; NaN stays NaN."""
    if value < low:  # pragma: no mutate (≤ gives the same number)
        return low
    if value > high:  # pragma: no mutate (≥ gives the same number)
        return high
    return value


def allowed_speeds(joint: JointLimits, position: float) -> tuple[float, float]:
    """Return the smallest and largest velocity that the limits allow at a position [rad/s].

    v_lo = clamp(−k_pos (q − q_soft⁻), ±v_max)   v_hi = clamp(−k_pos (q − q_soft⁺), ±v_max)

    Args:
        joint: its limits.
        position: q [rad], finite.
    """
    fastest = joint.velocity
    return (
        clamp(-joint.k_position * (position - joint.soft_lower), -fastest, fastest),
        clamp(-joint.k_position * (position - joint.soft_upper), -fastest, fastest),
    )


def soft_bounds(
    joint: JointLimits, position: float, velocity: float, drive: float, brake: float
) -> Bounds:
    """Bound the torque by the soft position limits and the velocity limit.

    τ_hi = clamp(−k (v − v_hi), ±τ_max), k = `drive` as long as v < v_hi, else `brake`
    τ_lo = clamp(−k (v − v_lo), ±τ_max), k = `drive` as long as v > v_lo, else `brake`

    At a hard limit or beyond it neither bound allows a torque outwards, not even one that brakes.
    Source: the soft limits of the PR2's controllers, which ros2_control has taken over; they have
    one gain for both.

    Args:
        joint: its limits.
        position: q [rad], finite.
        velocity: v [rad/s], finite.
        drive: gain of the torque that a joint slower than allowed may be driven with [N·m·s/rad].
        brake: gain of the torque that brakes a faster one [N·m·s/rad].
    """
    most = joint.torque
    v_low, v_high = allowed_speeds(joint, position)
    spare, excess = v_high - velocity, v_low - velocity
    high = clamp((drive if spare > 0.0 else brake) * spare, -most, most)
    low = clamp((drive if excess < 0.0 else brake) * excess, -most, most)
    return not_outward(joint, position, Bounds(low, high))


def not_outward(joint: JointLimits, position: float, bounds: Bounds) -> Bounds:
    """Return the bounds, without outward torques if the joint is at or beyond a hard limit."""
    low, high = bounds
    if position >= joint.upper:
        return Bounds(min(low, 0.0), min(high, 0.0))
    if position <= joint.lower:
        return Bounds(max(low, 0.0), max(high, 0.0))
    return bounds


def is_outward(joint: JointLimits, position: float, torque: float) -> bool:
    """Whether a torque drives a joint outwards that is at a hard limit or beyond it."""
    return (position >= joint.upper and torque > 0.0) or (position <= joint.lower and torque < 0.0)


def within_power(torque: float, velocity: float, power: float) -> float:
    """Return the torque reduced so that it drives the joint with at most `power` [W].

    A torque against the motion brakes the joint and is never limited.

    Args:
        torque: [N·m].
        velocity: v [rad/s].
        power: [W], or inf.
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
    """Return the torque sent last, moved toward zero by at most `step` [N·m]."""
    return clamp(0.0, last - step, last + step)
