"""Hold: stay in the posture of the first state, though the arm is pushed."""

import numpy as np
from pydantic import Field

from ddpg_ros.config.fields import NonNegative, Positive
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.goals import JOINTS
from ddpg_ros.tasks.joint_space import TERMS, JointSpace
from ddpg_ros.tasks.task import Task
from ddpg_ros.types import JointState, Vector, Vector32


class Hold(Task):
    """The simulator pushes by `sim.push_torque`; on a robot, people and things do."""

    class Settings(Task.Settings):
        """How far is too far, how long is too long, and what the reward weighs."""

        tolerance: Positive = Field(
            0.05, description="Where a joint that turns counts as returned [rad]"
        )
        sliding_tolerance: Positive = Field(
            0.01, description="Where a prismatic joint counts as returned [m]"
        )
        largest_deviation: Positive = Field(
            0.3, description="Success: largest deviation at any time of a joint that turns [rad]"
        )
        sliding_largest_deviation: Positive = Field(
            0.05, description="Success: largest deviation at any time of a prismatic joint [m]"
        )
        return_seconds: Positive = Field(
            1.0, description="Success: longest time outside the tolerance [s]"
        )
        near_weight: NonNegative = Field(1.0, description="Weight of the reward's near term")
        velocity_weight: NonNegative = Field(
            0.05, description="Weight of the reward's velocity term"
        )
        torque_weight: NonNegative = Field(0.0, description="Weight of the reward's torque term")

    terms = TERMS
    goals = JOINTS
    goal: Vector | None

    def __init__(self, settings: Settings, robot: Robot) -> None:
        """Take kinds and limits of the joints from the robot."""
        self._settings = settings
        self._space = space = JointSpace(robot)
        self._tolerance = space.tolerances(settings.tolerance, settings.sliding_tolerance)
        self._largest = space.tolerances(
            settings.largest_deviation, settings.sliding_largest_deviation
        )
        posture, self._write_posture = space.seen()
        self.observation_size = posture + 2 * space.size
        self._scratch = np.zeros(self.observation_size)
        self._posture, self._velocity, self._away = np.split(
            self._scratch, (posture, posture + space.size)
        )
        self._forget()

    def _forget(self) -> None:
        self.goal = None
        self.deviation = np.zeros(self._space.size)
        """(n,) the largest so far in the episode [rad], [m] if prismatic."""
        self.time_outside = 0.0
        """The longest so far that the arm was outside the tolerance [s]."""
        self._inside_at = 0  # stamp of the newest state inside [ns]

    def reset(self, rng: np.random.Generator) -> None:
        """Forget the posture; the first state gives another."""
        self._forget()

    def advance(self, state: JointState) -> None:
        """Take the posture from the first state; measure how far and how long the arm is away."""
        if self.goal is None:
            self.goal, self._inside_at = state.position.copy(), state.stamp
        deviation = np.abs(self._error(state))
        self.deviation = np.maximum(self.deviation, deviation)
        if (deviation <= self._tolerance).all():
            self._inside_at = state.stamp
        else:
            outside = (state.stamp - self._inside_at) * 1e-9
            self.time_outside = max(self.time_outside, outside)

    def observe(self, state: JointState) -> Vector32:
        """(posture, q̇ over its limit, the way back in units of 4 tolerances, at most 1)."""
        self._write_posture(state.position, self._posture)
        np.divide(state.velocity, self._space.velocity_limit, out=self._velocity)
        np.tanh(self._error(state) / (4.0 * self._tolerance), out=self._away)
        return self._scratch.astype(np.float32)

    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        """Mean error, mean nearness, and penalties on speed and torque."""
        space, own = self._space, self._settings
        return space.reward(self._error(state), state.velocity, action, self._tolerance, own)

    def success(self, state: JointState) -> bool:
        """Never too far and never away for too long, and within the tolerance at the end."""
        back = bool((np.abs(self._error(state)) <= self._tolerance).all())
        near = bool((self.deviation <= self._largest).all())
        return back and near and self.time_outside <= self._settings.return_seconds

    def _error(self, state: JointState) -> Vector:
        assert self.goal is not None, "advance() comes first"
        return self._space.difference(self.goal, state.position)
