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
    joint: JointLimits, position: float, velocity: float, gain: float, weight: float = 0.0
) -> Bounds:
    """Bound the torque by the soft position limits and the velocity limit.

    τ_hi = clamp(g − k (v − v_hi), ±τ_max)   τ_lo = clamp(g − k (v − v_lo), ±τ_max)

    At a hard limit or beyond it neither bound allows a torque outwards beyond g, not even one
    that brakes.
    Source: the soft limits of the PR2's controllers, which ros2_control has taken over.

    Args:
        joint: its limits.
        position: q [rad], finite.
        velocity: v [rad/s], finite.
        gain: k [N·m·s/rad].
        weight: g, the torque that carries the arm's weight [N·m], within ±τ_max.
    """
    most = joint.torque
    v_low, v_high = allowed_speeds(joint, position)
    high = clamp(weight + gain * (v_high - velocity), -most, most)
    low = clamp(weight + gain * (v_low - velocity), -most, most)
    return not_outward(joint, position, Bounds(low, high), weight)


def drive_bounds(
    joint: JointLimits,
    position: float,
    low_drive: float,
    high_drive: float,
    weight: float = 0.0,
) -> Bounds:
    """Bound the torque that may drive a joint up to the speeds that are allowed.

    Args:
        joint: its limits.
        position: q [rad], finite.
        low_drive: torque that takes the joint to v_lo [N·m]; positive if it is beyond it already.
        high_drive: torque that takes the joint to v_hi [N·m]; negative if it is beyond it already.
        weight: g, the torque that carries the arm's weight [N·m], within ±τ_max; the drives are
            on top of it.

    Returns:
        [τ_lo, τ_hi] with τ_lo ≤ g ≤ τ_hi: neither brakes.
    """
    most = joint.torque
    low = clamp(weight + min(low_drive, 0.0), -most, most)
    high = clamp(weight + max(high_drive, 0.0), -most, most)
    return not_outward(joint, position, Bounds(low, high), weight)


def not_outward(
    joint: JointLimits, position: float, bounds: Bounds, weight: float = 0.0
) -> Bounds:
    """Return the bounds, without outward torques if the joint is at or beyond a hard limit.

    Args:
        joint: its limits.
        position: q [rad], finite.
        bounds: of the torque [N·m].
        weight: g, the torque that carries the arm's weight [N·m]; it is not outward.
    """
    low, high = bounds
    if position >= joint.upper:
        return Bounds(min(low, weight), min(high, weight))
    if position <= joint.lower:
        return Bounds(max(low, weight), max(high, weight))
    return bounds


def within_power(torque: float, velocity: float, power: float) -> float:
    """Return the torque reduced so that it drives the joint with at most `power` [W].

    A torque against the motion brakes the joint and is never limited.

    Args:
        torque: [N·m].
        velocity: v [rad/s].
        power: [W], or inf.
    """
    return power / velocity if torque * velocity > power else torque


def within_rate(
    torque: float, last: float, bounds: Bounds, up: float, safe: float, rest: float = 0.0
) -> float:
    """Return the torque that is no further from the one sent last than the rate allows.

    Args:
        torque: wanted [N·m].
        last: sent last [N·m].
        bounds: [τ_lo, τ_hi], what the soft limits allow.
        up: as in `reachable`.
        safe: as in `reachable`.
        rest: as in `reachable`.
    """
    return clamp(torque, *reachable(last, bounds, up, safe, rest))


def reachable(last: float, bounds: Bounds, up: float, safe: float, rest: float = 0.0) -> Bounds:
    """Return the torques that the rate allows after the one sent last.

    hi = max(last + up, min(last + safe, max(r, τ_lo)))
    lo = min(last − up, max(last − safe, min(r, τ_hi)))

    Args:
        last: sent last [N·m].
        bounds: [τ_lo, τ_hi], what the soft limits allow.
        up: how far the torque may move in any direction [N·m].
        safe: how far it may move toward r or toward the bounds [N·m], at least `up`.
        rest: r, the torque that is sent without a policy [N·m].
    """
    high = max(last + up, min(last + safe, max(rest, bounds.low)))
    low = min(last - up, max(last - safe, min(rest, bounds.high)))
    return Bounds(low, high)


def braking_range(
    joint: JointLimits,
    position: float,
    velocity: float,
    last: float,
    rest: float,
    up: float,
    safe: float,
) -> Bounds:
    """Return the torques that all stages but the soft limits leave unchanged.

    If what the limits allow is out of the rate's reach, that is the one torque that comes closest.

    Args:
        joint: its limits.
        position: q [rad], finite.
        velocity: v [rad/s], finite.
        last: sent last [N·m].
        rest: what carries the arm, if that is ours to carry [N·m]; as in `reachable`.
        up: as in `reachable`.
        safe: as in `reachable`.
    """
    low, high = not_outward(joint, position, Bounds(-joint.torque, joint.torque), rest)
    reach = reachable(last, Bounds(low, high), up, safe, rest)
    if velocity > 0.0:
        high = min(high, joint.power / velocity)
    elif velocity < 0.0:
        low = max(low, joint.power / velocity)
    return Bounds(
        clamp(clamp(low, *reach), -joint.torque, joint.torque),
        clamp(clamp(high, *reach), -joint.torque, joint.torque),
    )


def toward(rest: float, last: float, step: float) -> float:
    """Return the torque sent last, moved toward `rest` by at most `step` [N·m]."""
    return clamp(rest, last - step, last + step)
