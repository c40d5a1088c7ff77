"""Reach: bring the fingertip to a goal and rest there."""

import math

import numpy as np
from pydantic import Field

from ddpg_ros.config.fields import NonNegative, Positive
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.joint_space import JointSpace
from ddpg_ros.tasks.task import Task
from ddpg_ros.types import JointState, Vector, Vector32

_GOALS, _STILL = 20, 1e-6  # goals that are all within this share of the reach are one


class Reach(Task):
    """Goals are fingertip positions of uniformly drawn joint positions, so every one is reachable.

    The near term, exp(−distance / tolerance), makes the last centimetre worth the effort.
    """

    class Settings(Task.Settings):
        """How close is close enough, where goals are, and what the reward weighs."""

        tolerance: Positive = Field(0.02, description="Success: final distance to the goal [m]")
        goal_range: float = Field(
            1.0,
            gt=0,
            le=1,
            description="The middle share of each joint's range that goals are from",
        )
        velocity_weight: NonNegative = Field(
            0.1, description="Weight of the reward's velocity term"
        )
        torque_weight: NonNegative = Field(0.01, description="Weight of the reward's torque term")

    terms = ("distance", "near", "velocity", "torque")
    takes_goals = True

    def __init__(self, settings: Settings, robot: Robot) -> None:
        """Take the kinematics, the limits and the reach from the robot.

        Raises:
            ConfigError: an arm whose fingertip stands on the base, or on one spot, whatever its
                joints do; or a tolerance that every posture is within.
        """
        if robot.reach == 0:
            raise ConfigError(
                f"the task reach takes an arm with a fingertip; {robot.name} ends where it "
                "begins, 0 m from its base. Set robot.tip to a link further out."
            )
        self._settings = settings
        self._robot = robot
        self._reach = robot.reach
        space = JointSpace(robot)
        self._lower, self._upper = space.range(settings.goal_range)
        self._require_motion()
        posture, self._write_posture = space.seen()
        self.observation_size = posture + space.size + 3
        self._scratch = np.zeros(self.observation_size)
        self._posture, self._velocity, self._goal_seen = np.split(
            self._scratch, (posture, posture + space.size)
        )
        self.goal: Vector = np.zeros(3)
        self._seen: tuple[JointState | None, Vector] = None, self.goal
        self._away: Vector = np.zeros(3)

    def _require_motion(self) -> None:
        rng = np.random.default_rng(0)
        drawn = [rng.uniform(self._lower, self._upper) for _ in range(_GOALS)]
        spread = np.ptp([self._robot.tip_position(position) for position in drawn], axis=0).max()
        if spread < _STILL * self._reach:
            raise ConfigError(
                f"the task reach takes an arm that moves its fingertip; the tip {self._robot.tip} "
                f"of {self._robot.name} stays where it is, whatever its joints do. Set robot.tip "
                "to a link off their axes."
            )
        if self._settings.tolerance > spread * math.sqrt(3.0):
            raise ConfigError(
                f"task.tolerance is {self._settings.tolerance:g} m, and the tip "
                f"{self._robot.tip} moves {spread:.3g} m: every posture would be a success. Set a "
                "smaller task.tolerance."
            )

    def reset(self, rng: np.random.Generator) -> None:
        """Draw a goal."""
        self.goal = self._robot.tip_position(rng.uniform(self._lower, self._upper))

    def observe(self, state: JointState) -> Vector32:
        """(posture, q̇ over its limit, the goal in the fingertip's frame over the reach).

        The goal as the fingertip sees it is the same wherever the shoulder points, so that what
        is learnt in one direction holds in all.
        """
        self._write_posture(state.position, self._posture)
        np.divide(state.velocity, self._robot.velocity_limit, out=self._velocity)
        np.divide(self._goal_from_tip(state), self._reach, out=self._goal_seen)
        return self._scratch.astype(np.float32)

    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        """Distance over the reach, nearness, and penalties on speed and torque."""
        distance = self._distance(state)
        velocity = state.velocity / self._robot.velocity_limit
        return {
            "distance": -distance / self._reach,
            "near": math.exp(-distance / self._settings.tolerance),
            "velocity": -self._settings.velocity_weight * float(velocity.dot(velocity)),
            "torque": -self._settings.torque_weight * float(action.dot(action)),
        }

    def terminated(self, state: JointState) -> bool:
        """Never: the arm is to stay at the goal until the time limit."""
        return False

    def success(self, state: JointState) -> bool:
        """Fingertip within the tolerance of the goal [m]."""
        return self._distance(state) <= self._settings.tolerance

    def _distance(self, state: JointState) -> float:
        away = self._goal_from_tip(state)
        return math.sqrt(away.dot(away))

    def _goal_from_tip(self, state: JointState) -> Vector:
        """Return the goal in the fingertip's frame, (3,) [m].

        A tick asks for that of one state several times.
        """
        seen, goal = self._seen
        if state is not seen or goal is not self.goal:
            self._seen = state, self.goal
            self._away = self._robot.seen_from_tip(state.position, self.goal)
        return self._away
