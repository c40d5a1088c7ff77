"""The kinds of goal that a task can have: each in numpy, and which of them an arm can meet.

`ros/interface/goals.py` says which message each travels as.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddpg_ros.errors import RefusedError, shortened
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.units import units_of
from ddpg_ros.tasks.joint_space import JointSpace
from ddpg_ros.tasks.trajectory import Trajectory
from ddpg_ros.types import JointState, Vector

MOST_POINTS = 1_000
"""Of a trajectory: to check as many takes about one control period of 25 ms."""

_ROUNDING = 1e-6  # [rad], [m]: a goal on the limit is within it
_NOT_A_ROTATION = 1e-3
_JUMP = 0.05  # [rad], [m]: a trajectory may begin this far from where the arm stands


class GoalKind(ABC):
    """What a task's `goal` is."""

    name: str
    lasts = True
    """Whether a goal from outside holds for the episodes that follow, too."""

    @abstractmethod
    def shape(self, robot: Robot) -> tuple[int, ...]:
        """Return the shape of a goal's numbers; (0,): numbers alone are no such goal."""

    def numbers(self, goal: Any) -> Vector:
        """Return a goal as numbers in a row, for recordings."""
        return np.ravel(goal)

    def from_numbers(self, numbers: Vector, robot: Robot) -> Any:
        """Return the goal that `numbers` are of, or None: they are of another kind, or none."""
        shape = self.shape(robot)
        fits = numbers.size == math.prod(shape) > 0
        return numbers.reshape(shape) if fits else None

    @abstractmethod
    def fault(self, goal: Any, robot: Robot) -> str:
        """Return what a goal of this kind has to be, if this is none; or nothing."""

    def prepare(self, robot: Robot) -> None:  # noqa: B027 (most kinds have nothing to prepare)
        """Compute ahead what takes longer than a control period, before the first goal."""

    @abstractmethod
    def meet(self, goal: Any, robot: Robot, state: JointState | None) -> Any:
        """Return a goal from outside as the arm is to meet it.

        Args:
            goal: of this kind.
            robot: the arm.
            state: where it stands; None if no policy acts.

        Raises:
            RefusedError: a number that is not finite, or what the arm cannot meet.
        """

    @abstractmethod
    def here(self, robot: Robot, position: Vector) -> Any:
        """Return the goal to stay at a position, (n,)."""


class PointGoal(GoalKind):
    """(3,) the fingertip's position in the base frame [m]."""

    name = "point"

    def shape(self, robot: Robot) -> tuple[int, ...]:
        """See `GoalKind`."""
        return (3,)

    def fault(self, goal: Any, robot: Robot) -> str:
        """See `GoalKind`."""
        return "" if np.shape(goal) == self.shape(robot) else "an array of 3 numbers [m]"

    def prepare(self, robot: Robot) -> None:
        """See `GoalKind`."""
        _ = robot.workspace

    def meet(self, goal: Any, robot: Robot, state: JointState | None) -> Vector:
        """See `GoalKind`: it has to be within the reach."""
        return _within_reach(np.asarray(goal), robot)

    def here(self, robot: Robot, position: Vector) -> Vector:
        """See `GoalKind`."""
        return robot.tip_position(position)


class PoseGoal(GoalKind):
    """(4, 4) the fingertip's frame in the base frame [m]."""

    name = "pose"

    def shape(self, robot: Robot) -> tuple[int, ...]:
        """See `GoalKind`."""
        return (4, 4)

    def fault(self, goal: Any, robot: Robot) -> str:
        """See `GoalKind`."""
        return "" if np.shape(goal) == self.shape(robot) else "a (4, 4) transform [m]"

    def prepare(self, robot: Robot) -> None:
        """See `GoalKind`."""
        _ = robot.workspace

    def meet(self, goal: Any, robot: Robot, state: JointState | None) -> Vector:
        """See `GoalKind`: its position has to be within the reach."""
        _require_finite(goal)
        turn = goal[:3, :3]
        if np.abs(turn @ turn.T - np.eye(3)).max() > _NOT_A_ROTATION:
            raise RefusedError(f"the orientation {turn.round(3).tolist()} is no rotation")
        _within_reach(goal[:3, 3], robot)
        return np.asarray(goal)

    def here(self, robot: Robot, position: Vector) -> Vector:
        """See `GoalKind`."""
        return robot.tip_pose(position)


class JointsGoal(GoalKind):
    """(n,) joint positions [rad], [m] if prismatic."""

    name = "joints"

    def shape(self, robot: Robot) -> tuple[int, ...]:
        """See `GoalKind`."""
        return (len(robot.joints),)

    def fault(self, goal: Any, robot: Robot) -> str:
        """See `GoalKind`."""
        shape = self.shape(robot)
        return "" if np.shape(goal) == shape else f"an array of {shape[0]} joint positions"

    def meet(self, goal: Any, robot: Robot, state: JointState | None) -> Vector:
        """See `GoalKind`: it has to be within the position limits."""
        _require_finite(goal)
        _require_within(goal, goal, (robot.lower, robot.upper), robot)
        position: Vector = np.asarray(goal)
        return position

    def here(self, robot: Robot, position: Vector) -> Vector:
        """See `GoalKind`."""
        goal: Vector = position.copy()
        return goal


class TrajectoryGoal(GoalKind):
    """A `Trajectory` of the joints, which begins when it comes."""

    name = "trajectory"
    lasts = False

    def shape(self, robot: Robot) -> tuple[int, ...]:
        """See `GoalKind`: trajectories differ in their length."""
        return (0,)

    def numbers(self, goal: Any) -> Vector:
        """See `GoalKind`."""
        return np.zeros(0)

    def fault(self, goal: Any, robot: Robot) -> str:
        """See `GoalKind`."""
        size = len(robot.joints)
        fits = isinstance(goal, Trajectory) and goal.positions.shape[1] == size
        return "" if fits else f"a Trajectory of {size} joints"

    def meet(self, goal: Any, robot: Robot, state: JointState | None) -> Trajectory:
        """See `GoalKind`: it has to be within position and velocity limits, and begin here.

        If its first point is later than 0 s, the arm gets there from where it stands.
        """
        if state is None:
            raise RefusedError("no policy acts; arm it, and then send the trajectory")
        trajectory: Trajectory = goal
        if not is_finite(trajectory):
            raise RefusedError("a position or velocity of it is not finite")
        space, first = JointSpace(robot), trajectory.positions[0]
        here = first - space.difference(first, state.position)  # the same posture, nearby
        if trajectory.times[0] > 0.0:
            trajectory = trajectory.after(here)
        lower, upper, velocity = trajectory.extremes()
        # The arm may stand outside its limits, as after a push; the way leads back inside.
        limits = np.minimum(robot.lower, here), np.maximum(robot.upper, here)
        _require_within(lower, upper, limits, robot)
        fastest = robot.allowed_velocity
        worst = int(np.argmax(velocity / fastest))
        if not velocity[worst] <= fastest[worst] * (1.0 + _ROUNDING):  # also true of NaN
            unit = units_of(robot.kinds)[worst].velocity
            raise RefusedError(
                f"it moves '{robot.joints[worst]}' at up to {velocity[worst]:.3g} {unit}; "
                f"expected at most {fastest[worst]:g} {unit}, the limit in force"
            )
        away = np.abs(first - here)
        worst = int(np.argmax(away))
        if goal.times[0] <= 0.0 and away[worst] > _JUMP:
            unit = units_of(robot.kinds)[worst].position
            raise RefusedError(
                f"it begins at once, {away[worst]:.3g} {unit} from where "
                f"'{robot.joints[worst]}' stands; expected a time_from_start of the first point "
                f"of at least {float((away / fastest).max()):.2g} s"
            )
        return trajectory

    def here(self, robot: Robot, position: Vector) -> Trajectory:
        """See `GoalKind`."""
        return Trajectory.still(position)


POINT, POSE, JOINTS, TRAJECTORY = PointGoal(), PoseGoal(), JointsGoal(), TrajectoryGoal()


def is_finite(goal: Any) -> bool:
    """Return whether every number of a goal is finite."""
    parts = [goal]
    if isinstance(goal, Trajectory):
        parts = [
            goal.times,
            goal.positions,
            *([] if goal.velocities is None else [goal.velocities]),
        ]
    return all(bool(np.isfinite(part).all()) for part in parts)


def in_order(names: Sequence[str], joints: Sequence[str]) -> list[int]:
    """Return where each of `joints` stands in `names`.

    Raises:
        RefusedError: they are not the same joints, each once.
    """
    at = {name: index for index, name in enumerate(names)}
    missing = [joint for joint in joints if joint not in at]
    others = [name for name in names if name not in joints]
    if missing or others or len(at) != len(names):
        raise RefusedError(
            f"it names the joints {', '.join(names) or '(none)'}; expected, each once and in any "
            f"order, {', '.join(joints)}"
        )
    return [at[joint] for joint in joints]


def trajectory_of(
    times: Sequence[float],
    positions: Sequence[Sequence[float]],
    velocities: Sequence[Sequence[float]],
    joints: int,
) -> Trajectory:
    """Return the trajectory through points.

    Args:
        times: of the points, from the trajectory's beginning [s].
        positions: of each point.
        velocities: of each point; empty, or empty for each, if there are none.
        joints: numbers in each of those.

    Raises:
        RefusedError: too few or too many numbers, or times that do not grow.
    """
    if not times:
        raise RefusedError("it has no points")
    if len(times) > MOST_POINTS:
        raise RefusedError(f"it has {len(times)} points; expected at most {MOST_POINTS}")
    for number, (place, speed) in enumerate(zip(positions, velocities, strict=True), 1):
        if len(place) != joints or len(speed) not in (0, joints):
            raise RefusedError(
                f"its point {number} has {len(place)} positions and {len(speed)} velocities; "
                f"expected {joints} of each, one a joint, or no velocities at all"
            )
        if bool(len(speed)) != bool(len(velocities[0])):
            raise RefusedError("some of its points have velocities; expected all, or none")
    instants = np.array(times, dtype=np.float64)
    if not np.isfinite(instants).all() or instants[0] < 0.0 or (np.diff(instants) <= 0.0).any():
        raise RefusedError(
            "the time_from_start of its points is "
            f"{shortened(', '.join(f'{time:g}' for time in times))} s; expected times from 0 on, "
            "each later than the one before"
        )
    speeds = np.array(velocities, dtype=np.float64) if len(velocities[0]) else None
    return Trajectory(instants, np.array(positions, dtype=np.float64), speeds)


def _require_finite(numbers: Any) -> None:
    if not np.isfinite(numbers).all():
        raise RefusedError(f"{np.asarray(numbers).tolist()} is not finite")


def _within_reach(point: Vector, robot: Robot) -> Vector:
    _require_finite(point)
    centre, radius = robot.workspace
    distance = math.hypot(*(point - centre).tolist())
    if distance > radius + _ROUNDING:
        first = "its first joint" if centre.any() else "the base"
        raise RefusedError(
            f"{point.tolist()} is {distance:.3g} m from {first}, and the arm reaches at most "
            f"{radius:.3g} m"
        )
    return point


def _require_within(
    lowest: Vector, highest: Vector, limits: tuple[Vector, Vector], robot: Robot
) -> None:
    """Refuse positions, (n,), that go below or above limits."""
    below, above = limits[0] - lowest, highest - limits[1]
    worst = int(np.argmax(np.maximum(below, above)))
    if max(below[worst], above[worst]) > _ROUNDING:
        reached = lowest[worst] if below[worst] > above[worst] else highest[worst]
        raise RefusedError(
            f"it brings '{robot.joints[worst]}' to {reached:.4g} "
            f"{units_of(robot.kinds)[worst].position}; expected {robot.lower[worst]:g} to "
            f"{robot.upper[worst]:g}, the position limits"
        )
