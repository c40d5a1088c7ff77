"""A path of the joints over time, in numpy: what `trajectory_msgs/JointTrajectory` describes."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.types import Vector

Table = NDArray[np.float64]
"""(k, n): a row a point, a column a joint."""


class Extremes(NamedTuple):
    """What a trajectory reaches, points and the ways between them; (n,) each."""

    lower: Vector  # [rad], [m] if prismatic
    upper: Vector
    velocity: Vector  # the largest, without its sign [rad/s]


class Trajectory:
    """Cubic between points with velocities, else linear; before and after, it stands still."""

    def __init__(self, times: Vector, positions: Table, velocities: Table | None = None) -> None:
        """Take the points.

        Args:
            times: (k,) since the trajectory's beginning [s], each later than the one before.
            positions: (k, n) [rad], [m] if prismatic.
            velocities: (k, n) [rad/s]; None: straight lines between the points.
        """
        self.times, self.positions, self.velocities = times, positions, velocities
        self.duration = float(times[-1])
        """When it ends [s]."""
        self._begins = times.tolist()
        self._still = np.zeros(positions.shape[1])
        # Of each segment: position and velocity at its begin, and the two higher coefficients.
        lengths = np.diff(times)[:, None]
        with np.errstate(all="ignore"):  # what overflows is faster than any arm
            slopes = np.diff(positions, axis=0) / lengths
            if velocities is None:
                ahead, behind = slopes, slopes
            else:
                ahead, behind = velocities[:-1], velocities[1:]
            square = (3.0 * slopes - 2.0 * ahead - behind) / lengths
            cube = (ahead + behind - 2.0 * slopes) / lengths**2
        self._lengths = lengths
        self._segments = np.stack((positions[:-1], ahead, square, cube), axis=1)  # (k - 1, 4, n)

    @classmethod
    def still(cls, position: Vector) -> "Trajectory":
        """Return the trajectory that stays at a position, (n,)."""
        return cls(np.zeros(1), position[None].copy())

    def picked(self, order: Sequence[int]) -> "Trajectory":
        """Return the trajectory of some of the joints, in the given order."""
        velocities = None if self.velocities is None else self.velocities[:, order]
        return Trajectory(self.times, self.positions[:, order], velocities)

    def after(self, position: Vector) -> "Trajectory":
        """Return the trajectory that begins at a position, (n,), at time 0, at rest.

        Its first point has to be later than 0.
        """
        velocities = self.velocities
        if velocities is not None:
            velocities = np.vstack((self._still, velocities))
        times = np.concatenate(([0.0], self.times))
        return Trajectory(times, np.vstack((position, self.positions)), velocities)

    def at(self, time: float) -> tuple[Vector, Vector]:
        """Return position, (n,), and velocity, (n,), at a time [s]."""
        if time >= self.duration:
            return self.positions[-1], self._still
        number = bisect_right(self._begins, time) - 1
        if number < 0:
            return self.positions[0], self._still
        s = time - self._begins[number]
        start, speed, square, cube = self._segments[number]
        position: Vector = start + s * (speed + s * (square + s * cube))
        velocity: Vector = speed + s * (2.0 * square + 3.0 * s * cube)
        return position, velocity

    def extremes(self) -> Extremes:
        """Return the lowest and highest positions and the largest velocities of the whole way."""
        _, speed, square, cube = np.moveaxis(self._segments, 1, 0)
        with np.errstate(all="ignore"):  # what is no number is no turning point
            root = np.sqrt(square**2 - 3.0 * speed * cube)
            q = -(square + np.where(square < 0.0, -root, root))
            turns = np.stack((q / (3.0 * cube), speed / q))
            fastest = -square / (3.0 * cube)
            positions = [self.positions, *(self._on_way(turn)[0] for turn in turns)]
            ends = (self._on_way(at)[1] for at in (0.0 * speed, self._lengths + 0.0 * speed))
            speeds = np.abs(np.vstack((*ends, self._on_way(fastest)[1], self._still[None])))
        reached = np.vstack(positions)
        return Extremes(reached.min(axis=0), reached.max(axis=0), speeds.max(axis=0))

    def _on_way(self, times: Table) -> tuple[Table, Table]:
        """Return position and velocity of each segment, at a time of its own for each joint [s].

        A time that is outside the segment, or no number, counts as the segment's begin.
        """
        inside = (times >= 0.0) & (times <= self._lengths)
        s = np.where(inside, times, 0.0)
        start, speed, square, cube = np.moveaxis(self._segments, 1, 0)
        position = start + s * (speed + s * (square + s * cube))
        return position, speed + s * (2.0 * square + 3.0 * s * cube)


def smooth(times: Vector, positions: Table) -> Trajectory:
    """Return a trajectory through points, at rest at both ends, that turns only at points.

    The velocity at a point is the harmonic mean of the two slopes, or 0 if they differ in sign
    (Fritsch and Butland). So no joint goes beyond its points, nor faster than twice the steepest
    slope.

    Args:
        times: (k,) [s].
        positions: (k, n) [rad], [m] if prismatic.
    """
    velocities = np.zeros_like(positions)
    slopes = np.diff(positions, axis=0) / np.diff(times)[:, None]
    before, after = slopes[:-1], slopes[1:]
    same = before * after > 0.0
    both = np.where(same, before + after, 1.0)
    velocities[1:-1] = np.where(same, 2.0 * before * after / both, 0.0)
    return Trajectory(times, positions, velocities)
