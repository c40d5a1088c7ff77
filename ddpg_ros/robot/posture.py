"""Chooses a posture to start from: inside the limits, not folded, able to move its tip."""

from collections.abc import Callable

import numpy as np

from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.loads import finite_range
from ddpg_ros.types import Vector

_SAMPLES = 600
_MIDDLE = 0.6  # the share of each range that candidates are from
_FREE = 0.5 * np.pi  # [rad] a continuous joint starts within ± this
_STEP = 1e-4  # [rad], [m] of the numerical derivatives
_RANK = 1e-3  # relative to the largest singular value: a direction in which the tip can move
_CHECKED = 60  # best candidates that are looked at for contacts


def choose_start(
    robot: Robot,
    effort: Vector,
    gravity: Callable[[Vector], Vector],
    touches: Callable[[Vector], bool],
) -> Vector:
    """Return a start posture, (n,) [rad], [m] if prismatic.

    Of random positions in the middle of the joints' ranges, it is the one from which small motions
    of the joints move the tip furthest in its worst direction, less a share for the torque that
    gravity takes and for each link that hangs below the base; it does not touch itself.

    Args:
        robot: the arm.
        effort: torque limits, (n,).
        gravity: returns the torque that holds a position, (n,).
        touches: whether the arm touches itself at a position.
    """
    low, high = finite_range(robot)
    free = np.isinf(robot.lower)
    low, high = np.where(free, -_FREE, low), np.where(free, _FREE, high)
    inset = np.where(free, 0.0, 0.5 * (1.0 - _MIDDLE) * (high - low))
    low, high = low + inset, high - inset
    drawn = np.random.default_rng(0).uniform(low, high, (_SAMPLES, len(low)))
    candidates = np.vstack([0.5 * (low + high), drawn])
    spans = [np.linalg.svd(jacobian(robot, q), compute_uv=False) for q in candidates]
    rank = max(int((values > _RANK * values[0]).sum()) for values in spans)
    scores = []
    for position, values in zip(candidates, spans, strict=True):
        used = np.abs(gravity(position) / effort).max()
        below = robot.tip_position(position)[2] < 0.0
        scores.append(values[rank - 1] * max(0.05, 1.0 - used) * (0.5 if below else 1.0))
    best = np.argsort(scores)[::-1]
    clear = (k for k in best[:_CHECKED] if not touches(candidates[k]))
    chosen: Vector = candidates[next(clear, best[0])].round(3)
    return chosen


def jacobian(robot: Robot, position: Vector) -> Vector:
    """Return the derivative of the tip's position, (3, n) [m/rad], [1] for a joint that slides."""
    columns: list[Vector] = []
    for joint in range(len(position)):
        step = np.zeros(len(position))
        step[joint] = _STEP
        ahead, behind = robot.tip_position(position + step), robot.tip_position(position - step)
        columns.append((ahead - behind) / (2.0 * _STEP))
    derivative: Vector = np.array(columns).T
    return derivative
