"""A torque guard of two joints for tests, and how to send through it."""

import math

import numpy as np

from ddpg_ros.safety.guard import Guard
from test.limits import make_limits

PERIOD = 0.01  # [s]
REST = (0.0, 0.0)
FAST = {"torque_rate": 1e5}  # [N·m/s], so that every torque is reached in one period
ARM = {  # about the shoulder: soft limits at ±0.75 rad, hard ones at ±1 rad
    **FAST,
    "lower": (-1.0, -math.inf),
    "upper": (1.0, math.inf),
    "soft_lower": (-0.75, -math.inf),
    "soft_upper": (0.75, math.inf),
    "velocity": (2.0, 100.0),
    "k_position": (4.0, 1.0),
    "k_velocity": (8.0, 0.1),
}


def make_guard(**changes):
    """Make a guard that lets a torque move by 1 N·m a period, and by 4 N·m toward zero."""
    return Guard(make_limits(**changes), PERIOD)


def send(guard, *torque, at=REST, speed=REST, dt=PERIOD):
    return guard.apply(np.array(torque), np.array(at), np.array(speed), dt).tolist()


def settle(guard, *torque):
    for _ in range(10):
        answer = send(guard, *torque)
    return answer
