"""Chooses a posture to start from: above the base, not folded, able to move its tip."""

from collections.abc import Callable

import numpy as np

from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.loads import finite_range
from ddpg_ros.types import Vector

_SAMPLES = 600
_MIDDLE = 0.6  # the share of each range that candidates are from
_QUARTER = 0.5 * np.pi  # [rad] what turns once or more starts this far from its middle, at most
_STEP = 1e-4  # [rad], [m] of the numerical derivatives
_RANK = 1e-3  # relative to the largest singular value: a direction in which the tip can move
_BELOW, _CLEAR = 0.02, 0.06  # of the reach: further below the base is below, further above clear
_LEVEL = 1e-6  # of the reach: a joint that moves less up and down stays at its height
_MARGIN = 0.8  # the share of a torque limit that the weight may take, if there is a choice


def choose_start(
    robot: Robot,
    effort: Vector,
    gravity: Callable[[Vector], Vector],
    touches: Callable[[Vector], bool],
) -> Vector:
    """Return a start posture, (n,) [rad], [m] if prismatic.

    Of random positions in the middle of the joints' ranges, it is the one from which small motions
    of the joints move the tip furthest in its worst direction, less a share for the torque that
    gravity takes. If there are such, the motors hold it with a margin, no part of the arm is below
    its base, and it does not touch itself.

    Args:
        robot: the arm.
        effort: torque limits, (n,).
        gravity: returns the torque that holds a position, (n,).
        touches: whether the arm touches itself at a position.
    """
    low, high = finite_range(robot)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    half = np.where((half >= np.pi) & ~robot.sliding, _QUARTER, _MIDDLE * half)
    drawn = np.random.default_rng(0).uniform(middle - half, middle + half, (_SAMPLES, len(low)))
    candidates = np.vstack([middle, drawn])
    spans = [np.linalg.svd(jacobian(robot, q), compute_uv=False) for q in candidates]
    rank = max(int((values > _RANK * values[0]).sum()) for values in spans)
    used = [float(np.abs(gravity(position) / effort).max()) for position in candidates]
    scores = [
        (share <= _MARGIN, above, values[rank - 1] * max(0.05, 1.0 - share))
        for share, above, values in zip(used, _above(robot, candidates), spans, strict=True)
    ]
    best = sorted(range(len(candidates)), key=scores.__getitem__, reverse=True)
    clear = (k for k in best if not touches(candidates[k]))
    chosen: Vector = candidates[next(clear, best[0])].round(3)
    return chosen


def _above(robot: Robot, candidates: Vector) -> list[int]:
    """Return how the arm is at each position, (m, n): 2 clear above its base, 1 above it, else 0.

    The base is the lower of the base link and the first joint.
    """
    heights = np.array([robot.places(position)[:, 2] for position in candidates])
    base = np.minimum(heights[:, 0], 0.0)
    moving = np.ptp(heights, axis=0) > _LEVEL * robot.reach
    if not moving.any():
        return [2] * len(candidates)
    lowest = (heights[:, moving].min(axis=1) - base) / robot.reach
    levels: list[int] = ((lowest > -_BELOW).astype(int) + (lowest > _CLEAR)).tolist()
    return levels


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
