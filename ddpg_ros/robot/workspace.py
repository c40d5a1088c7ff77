"""How far an arm's fingertip gets."""

from collections.abc import Callable

import numpy as np

from ddpg_ros.types import Vector

_SAMPLES, _BEST, _SWEEPS, _STEPS = 400, 4, 3, 25
_MARGIN = 1.02  # × the largest distance found: the search may miss some of it


def furthest(
    tip_position: Callable[[Vector], Vector], low: Vector, high: Vector, centre: Vector
) -> float:
    """Return a distance from a point that the fingertip does not exceed [m].

    It is the largest that random positions and a search joint by joint from the best of them
    find, and 2 %.

    Args:
        tip_position: forward kinematics.
        low: lower ends of the joints' ranges, (n,).
        high: upper ends, (n,).
        centre: the point, (3,) [m].
    """

    def distance(position: Vector) -> float:
        return float(np.linalg.norm(tip_position(position) - centre))

    drawn = np.random.default_rng(0).uniform(low, high, (_SAMPLES, len(low)))
    best = sorted(drawn, key=distance, reverse=True)[:_BEST]
    largest = 0.0
    for position in best:
        for _ in range(_SWEEPS):
            for joint in range(len(low)):
                tries = np.repeat(position[None], _STEPS, axis=0)
                tries[1:, joint] = np.linspace(low[joint], high[joint], _STEPS - 1)
                position = max(tries, key=distance)
        largest = max(largest, distance(position))
    return _MARGIN * largest
