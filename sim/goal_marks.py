"""What a picture shows of a goal: marks in the arm's world, and the arm's ghost in the posture."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.quaternion import quaternion_of
from ddpg_ros.tasks.goals import JOINTS, POINT, POSE, TRAJECTORY, GoalKind
from ddpg_ros.types import Vector
from sim.bullet import pybullet

COLOUR = (0.20, 0.70, 0.35, 1.0)
_AXES = ((0.85, 0.2, 0.2, 1.0), (0.2, 0.7, 0.25, 1.0), (0.2, 0.35, 0.9, 1.0))  # x, y, z
_POINT, _AXIS, _THICKNESS, _TRACE = 0.06, 0.25, 0.012, 0.018  # of the arm's size
_TRACE_POINTS = 24

Load = Callable[[int], tuple[int, list[int]]]
"""Loads the arm into a client; returns the indices of body and joints."""


class _Mark(NamedTuple):
    """A shape without mass and collisions."""

    half_extents: tuple[float, float, float] | None  # of a box; None: a sphere
    radius: float
    colour: tuple[float, float, float, float]
    place: Vector  # (3,) [m]
    turn: Vector  # (4,) x, y, z, w


class GoalMarks:
    """Shows the newest goal of a client's arm."""

    def __init__(self, client: int, robot: Robot, size: float, load: Load) -> None:
        """Begin without a goal.

        Args:
            client: PyBullet's client.
            robot: the arm.
            size: of the arm, to which the marks are in proportion [m].
            load: for the ghost, which has a client of its own.
        """
        self._own: dict[str, Any] = {"physicsClientId": client}
        self._robot, self._size, self._load = robot, size, load
        self._marks: list[_Mark] = []
        self._bodies: list[int] = []
        self._posture: Vector | None = None
        self._ghost: Ghost | None = None

    def show(self, kind: GoalKind, goal: Any) -> None:
        """Mark a goal instead of the last one; a kind that is not known shows nothing."""
        marks = self._marks_of(kind, goal)
        if [mark[:3] for mark in marks] != [mark[:3] for mark in self._marks]:
            for body in self._bodies:
                pybullet.removeBody(body, **self._own)
            self._bodies = [self._make(mark) for mark in marks]
        self._marks = marks
        self.put_back()
        self._posture = goal if kind is JOINTS else None

    @property
    def any(self) -> bool:
        """Whether there are marks."""
        return bool(self._bodies)

    def put_away(self, place: Vector) -> None:
        """Move the marks to a place out of sight, (3,) [m]."""
        for body, mark in zip(self._bodies, self._marks, strict=True):
            self._move(body, place, mark.turn)

    def put_back(self) -> None:
        """Move the marks to where they belong."""
        for body, mark in zip(self._bodies, self._marks, strict=True):
            self._move(body, mark.place, mark.turn)

    def ghost(self) -> "Ghost | None":
        """Return the arm in the goal's posture, if the goal is one."""
        if self._posture is None:
            return None
        if self._ghost is None:
            self._ghost = Ghost(self._load)
        self._ghost.place(self._posture)
        return self._ghost

    def close(self) -> None:
        """Close the ghost's client; a second call does nothing."""
        ghost, self._ghost = self._ghost, None
        if ghost is not None:
            pybullet.disconnect(ghost.client)

    def _marks_of(self, kind: GoalKind, goal: Any) -> list[_Mark]:
        upright = np.array([0.0, 0.0, 0.0, 1.0])
        if kind is POINT:
            return [_Mark(None, _POINT * self._size, COLOUR, goal, upright)]
        if kind is POSE:
            return self._axes(goal)
        if kind is JOINTS:
            return self._axes(self._robot.tip_pose(goal))
        if kind is TRAJECTORY:
            times = np.linspace(0.0, goal.duration, _TRACE_POINTS)
            places = [self._robot.tip_position(goal.at(float(time))[0]) for time in times]
            sizes = [*[_TRACE * self._size] * (len(places) - 1), 0.6 * _POINT * self._size]
            return [
                _Mark(None, size, COLOUR, place, upright)
                for size, place in zip(sizes, places, strict=True)
            ]
        return []

    def _axes(self, pose: NDArray[np.float64]) -> list[_Mark]:
        half, width = 0.5 * _AXIS * self._size, _THICKNESS * self._size
        turn, marks = quaternion_of(pose[:3, :3]), []
        for axis, colour in enumerate(_AXES):
            x, y, z = (half if axis == number else width for number in range(3))
            place = pose[:3, 3] + half * pose[:3, axis]
            marks.append(_Mark((x, y, z), 0.0, colour, place, turn))
        return marks

    def _make(self, mark: _Mark) -> int:
        looks = {"rgbaColor": mark.colour, "specularColor": (0.2, 0.2, 0.2)} | self._own
        shape = (
            pybullet.createVisualShape(pybullet.GEOM_SPHERE, radius=mark.radius, **looks)
            if mark.half_extents is None
            else pybullet.createVisualShape(
                pybullet.GEOM_BOX, halfExtents=mark.half_extents, **looks
            )
        )
        return int(pybullet.createMultiBody(baseVisualShapeIndex=shape, **self._own))

    def _move(self, body: int, place: Vector, turn: Vector) -> None:
        pybullet.resetBasePositionAndOrientation(
            body, [float(x) for x in place], [float(x) for x in turn], **self._own
        )


class Ghost:
    """The arm once more, in a client of its own: it moves nothing."""

    def __init__(self, load: Load) -> None:
        """Load the arm."""
        self.client = int(pybullet.connect(pybullet.DIRECT))
        self._body, self._joints = load(self.client)
        self.links = set(self._joints)
        """PyBullet's indices of the links that move."""
        own = {"physicsClientId": self.client}
        for link in range(pybullet.getNumJoints(self._body, **own)):  # parents come first
            if pybullet.getJointInfo(self._body, link, **own)[16] in self.links:
                self.links.add(link)

    def place(self, position: Vector) -> None:
        """Put the ghost into a posture, (n,)."""
        for joint, angle in zip(self._joints, position.tolist(), strict=True):
            place = angle if math.isfinite(angle) else 0.0
            pybullet.resetJointState(self._body, joint, place, physicsClientId=self.client)
