"""Pose: bring the fingertip to a position and an orientation, and rest there."""

import math

import numpy as np
from pydantic import Field

from ddpg_ros.config.fields import NonNegative, Positive
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.kinematics import Pose
from ddpg_ros.tasks.goals import POSE
from ddpg_ros.tasks.joint_space import JointSpace
from ddpg_ros.tasks.task import Task
from ddpg_ros.types import JointState, Vector32


class PoseTask(Task):
    """Goals are fingertip frames of uniformly drawn joint positions, so every one is reachable."""

    class Settings(Task.Settings):
        """How close is close enough, where goals are, and what the reward weighs."""

        tolerance: Positive = Field(0.05, description="Success: final distance to the goal [m]")
        angle_tolerance: float = Field(
            0.2618, gt=0, le=math.pi, description="Success: final angle to the goal [rad]; 15°"
        )
        goal_range: float = Field(
            0.8,
            gt=0,
            le=1,
            description="The middle share of each joint's range that goals are from",
        )
        angle_weight: NonNegative = Field(0.5, description="Weight of the reward's angle term")
        near_weight: NonNegative = Field(1.0, description="Weight of the reward's near terms")
        velocity_weight: NonNegative = Field(
            0.05, description="Weight of the reward's velocity term"
        )
        torque_weight: NonNegative = Field(0.01, description="Weight of the reward's torque term")

    terms = ("distance", "angle", "near", "aligned", "velocity", "torque")
    goals = POSE
    takes_goals = True
    goal: Pose

    def __init__(self, settings: Settings, robot: Robot) -> None:
        """Take the kinematics, the limits and the reach from the robot.

        Raises:
            ConfigError: an arm whose fingertip stands on the base.
        """
        if robot.reach == 0:
            raise ConfigError(
                f"the task pose takes an arm with a fingertip; {robot.name} ends where it begins, "
                "0 m from its base. Set robot.tip to a link further out."
            )
        self._settings, self._robot, self._reach = settings, robot, robot.reach
        self._space = space = JointSpace(robot)
        self._lower, self._upper = space.range(settings.goal_range)
        posture, self._write_posture = space.seen()
        self.observation_size = posture + space.size + 9
        self._scratch = np.zeros(self.observation_size)
        self._posture, self._velocity, self._way, self._turn = np.split(
            self._scratch, np.cumsum((posture, space.size, 3))
        )
        self.goal = np.eye(4)
        self._seen: JointState | None = None
        self._seen_pose: Pose = np.eye(4)

    def reset(self, rng: np.random.Generator) -> None:
        """Draw a goal."""
        self.goal = self._robot.tip_pose(rng.uniform(self._lower, self._upper))

    def observe(self, state: JointState) -> Vector32:
        """(posture, q̇ over its limit, the goal's position over the reach, its orientation).

        Position and orientation are those in the fingertip's frame. The orientation is the first
        two columns of its rotation matrix, since three or four numbers have a jump somewhere.
        """
        pose = self._pose(state)
        self._write_posture(state.position, self._posture)
        np.divide(state.velocity, self._space.velocity_limit, out=self._velocity)
        np.dot(self.goal[:3, 3] - pose[:3, 3], pose[:3, :3], out=self._way)
        self._way /= self._reach
        self._turn[:] = (pose[:3, :3].T @ self.goal[:3, :2]).ravel()
        return self._scratch.astype(np.float32)

    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        """Distance over the reach, angle over π, nearness in both, penalties."""
        own = self._settings
        distance, angle = self._errors(state)
        velocity = state.velocity / self._space.velocity_limit
        near = math.exp(-distance / own.tolerance)
        aligned = math.exp(-angle / own.angle_tolerance)
        return {
            "distance": -distance / self._reach,
            "angle": -own.angle_weight * angle / math.pi,
            "near": 0.5 * own.near_weight * near,
            "aligned": 0.5 * own.near_weight * near * aligned,
            "velocity": -own.velocity_weight * float(velocity.dot(velocity)),
            "torque": -own.torque_weight * float(action.dot(action)),
        }

    def success(self, state: JointState) -> bool:
        """Fingertip within the tolerances of the goal [m], [rad]."""
        distance, angle = self._errors(state)
        return distance <= self._settings.tolerance and angle <= self._settings.angle_tolerance

    def _errors(self, state: JointState) -> tuple[float, float]:
        """Return distance [m] and angle [rad] to the goal."""
        pose = self._pose(state)
        away = self.goal[:3, 3] - pose[:3, 3]
        return math.sqrt(away.dot(away)), rotation_angle(pose[:3, :3].T @ self.goal[:3, :3])

    def _pose(self, state: JointState) -> Pose:
        """Return the fingertip's frame; a tick asks for that of one state several times."""
        if state is not self._seen:
            self._seen, self._seen_pose = state, self._robot.tip_pose(state.position)
        return self._seen_pose


def rotation_angle(turn: Pose) -> float:
    """Return the angle of a rotation matrix, (3, 3), from 0 to π [rad].

    By sine and cosine both, so that it is exact near 0 and near π.
    """
    x, y, z = turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]
    return math.atan2(math.sqrt(x * x + y * y + z * z), float(np.trace(turn)) - 1.0)
