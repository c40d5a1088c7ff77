"""Limits of two joints for tests, wide open but for what a test is about."""

import math

from ddpg_ros.safety.limits import Limits

JOINTS = ("shoulder", "elbow")
OPEN = {
    "torque": (5.0, 2.0),
    "velocity": 100.0,
    "lower": -math.inf,
    "upper": math.inf,
    "soft_lower": -math.inf,
    "soft_upper": math.inf,
    "k_position": 1.0,
    "k_velocity": 0.1,
    "power": math.inf,
    "damping": 0.5,
}


def make_limits(torque_rate=100.0, torque_rate_safe=None, position_tolerance=0.1, **changes):
    """Make limits; a single number stands for both joints, and the safe rate is 4 × the other."""
    vectors = {
        name: value if isinstance(value, tuple) else (value, value)
        for name, value in (OPEN | changes).items()
    }
    return Limits(
        joints=JOINTS,
        torque_rate=torque_rate,
        torque_rate_safe=4.0 * torque_rate if torque_rate_safe is None else torque_rate_safe,
        position_tolerance=position_tolerance,
        **vectors,
    )
