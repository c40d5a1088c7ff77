"""Track: follow a trajectory of the joints."""

import math

import numpy as np
from pydantic import Field

from ddpg_ros.config.fields import Interval, NonNegative, Positive
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.goals import MOST_POINTS, TRAJECTORY
from ddpg_ros.tasks.joint_space import TERMS, JointSpace
from ddpg_ros.tasks.task import Task
from ddpg_ros.tasks.trajectory import Trajectory, smooth
from ddpg_ros.types import JointState, Vector, Vector32


class Track(Task):
    """Trajectories are drawn: from where the arm stands, smooth, within the arm's limits.

    The policy sees where it should be now, how fast, and where a little later.
    """

    class Settings(Task.Settings):
        """How close is close enough, what trajectories are like, and what the reward weighs."""

        tolerance: Positive = Field(
            0.05,
            description="Success: root mean square error over the trajectory, of joints that turn "
            "[rad]",
        )
        sliding_tolerance: Positive = Field(0.01, description="The same, of prismatic joints [m]")
        goal_range: float = Field(
            0.8, gt=0, le=1, description="The middle share of each joint's range to move in"
        )
        speed: float = Field(
            0.3,
            gt=0,
            le=1,
            description="Largest drawn velocity, as a share of the joint's limit in force",
        )
        point_seconds: Interval = Field(
            0.8, description="Time between two drawn points of a trajectory [s]"
        )
        lookahead: Positive = Field(
            0.2, description="How much later the second position is that the policy sees [s]"
        )
        near_weight: NonNegative = Field(1.0, description="Weight of the reward's near term")
        velocity_weight: NonNegative = Field(
            0.1, description="Weight of the reward's term on the velocity's error"
        )
        torque_weight: NonNegative = Field(0.01, description="Weight of the reward's torque term")

    terms = TERMS
    goals = TRAJECTORY
    takes_goals = True

    def __init__(self, settings: Settings, robot: Robot) -> None:
        """Take ranges and limits from the robot.

        Raises:
            ConfigError: more points than a trajectory may have, or a tolerance that every
                position is within.
        """
        self._settings = settings
        self._space = space = JointSpace(robot)
        lower, upper = space.range(settings.goal_range)
        self._lower = np.where(space.free, -np.inf, lower)
        self._upper = np.where(space.free, np.inf, upper)
        self._tolerance = space.tolerances(settings.tolerance, settings.sliding_tolerance)
        count = math.ceil(settings.episode_seconds / settings.point_seconds)
        if count >= MOST_POINTS:
            raise ConfigError(
                f"task.point_seconds is {settings.point_seconds:g} s, which makes {count} points "
                f"in an episode of {settings.episode_seconds:g} s; expected fewer than "
                f"{MOST_POINTS}. Set a larger task.point_seconds."
            )
        self._times = np.linspace(0.0, count * settings.point_seconds, count + 1)
        self._stride = 0.5 * settings.speed * settings.point_seconds * robot.allowed_velocity
        self._ahead_scale = space.velocity_limit * settings.lookahead
        posture, self._write_posture = space.seen()
        size = space.size
        self.observation_size = posture + 4 * size
        self._scratch = np.zeros(self.observation_size)
        self._posture, self._velocity, self._now, self._soon, self._wanted_velocity = np.split(
            self._scratch, np.cumsum((posture, size, size, size))
        )
        self._drawn = np.zeros((count, size))  # steps from point to point, each in [-1, 1]
        self.goal = None

    @property
    def goal(self) -> Trajectory | None:
        """The trajectory; None: it is drawn from where the arm stands in the next state.

        One that is set begins with the next state.
        """
        return self._goal

    @goal.setter
    def goal(self, trajectory: Trajectory | None) -> None:
        self._goal = trajectory
        self._began: int | None = None  # stamp of the first state [ns]
        self._time = 0.0  # since then [s]
        self._sum, self._count = 0.0, 0  # of the squared errors over their tolerances

    def reset(self, rng: np.random.Generator) -> None:
        """Draw the steps of a trajectory; it begins with the first state."""
        self.goal = None
        self._drawn = rng.uniform(-1.0, 1.0, self._drawn.shape)

    def advance(self, state: JointState) -> None:
        """Begin the trajectory, or go on in it."""
        if self._goal is None:
            self.goal = self._draw(state.position)
        if self._began is None:
            self._began = state.stamp
        self._time = (state.stamp - self._began) * 1e-9
        if self._began != state.stamp:
            share = self._error(state) / self._tolerance
            self._sum, self._count = self._sum + float((share * share).mean()), self._count + 1

    def _draw(self, start: Vector) -> Trajectory:
        lower, upper = np.minimum(self._lower, start), np.maximum(self._upper, start)
        points = [start]
        for step in self._drawn * self._stride:
            ahead = points[-1] + step
            inside = (ahead >= lower) & (ahead <= upper)
            points.append(np.clip(np.where(inside, ahead, points[-1] - step), lower, upper))
        return smooth(self._times, np.array(points))

    def observe(self, state: JointState) -> Vector32:
        """(posture, q̇ over its limit, the way to now and soon, the wanted q̇ over its limit).

        A way is over what the joint travels within `lookahead` at its velocity limit.
        """
        space, trajectory = self._space, self._trajectory
        self._write_posture(state.position, self._posture)
        np.divide(state.velocity, space.velocity_limit, out=self._velocity)
        now, velocity = trajectory.at(self._time)
        soon, _ = trajectory.at(self._time + self._settings.lookahead)
        np.divide(space.difference(now, state.position), self._ahead_scale, out=self._now)
        np.divide(space.difference(soon, state.position), self._ahead_scale, out=self._soon)
        np.divide(velocity, space.velocity_limit, out=self._wanted_velocity)
        return self._scratch.astype(np.float32)

    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        """Mean error, mean nearness, and penalties on the velocity's error and on torque."""
        position, wanted = self._trajectory.at(self._time)
        space, own = self._space, self._settings
        error, velocity = space.difference(position, state.position), state.velocity - wanted
        return space.reward(error, velocity, action, self._tolerance, own)

    def success(self, state: JointState) -> bool:
        """Root mean square error since the trajectory's beginning within the tolerance."""
        return self._count > 0 and self._sum <= self._count

    @property
    def _trajectory(self) -> Trajectory:
        assert self._goal is not None, "advance() comes first"
        return self._goal

    def _error(self, state: JointState) -> Vector:
        return self._space.difference(self._trajectory.at(self._time)[0], state.position)
