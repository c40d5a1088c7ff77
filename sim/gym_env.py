"""The simulated arm as a gymnasium.Env, without ROS.

Importing this module registers the environments, so both of these work:

    gymnasium.make("sim.gym_env:ddpg_ros/Reach-v0")
    import sim.gym_env; gymnasium.make("ddpg_ros/SwingUp-v0")
"""

import warnings
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ddpg_ros.build import require_weight
from ddpg_ros.config.settings import Config, Value
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.payload import Payload
from ddpg_ros.safety.weight import require_friction_overcome
from ddpg_ros.tasks import answers, make_task
from ddpg_ros.types import Vector32
from sim.world import World

IDS = {
    "ddpg_ros/Reach-v0": "reach",
    "ddpg_ros/Pose-v0": "pose",
    "ddpg_ros/Joints-v0": "joints",
    "ddpg_ros/Track-v0": "track",
    "ddpg_ros/Hold-v0": "hold",
    "ddpg_ros/SwingUp-v0": "swing_up",
}
"""Environment id → task."""

_ARMS: dict[str, dict[str, Value]] = {
    "swing_up": {"robot.urdf": "pendulum", "robot.gravity": "none"}  # its weight is the task
}


class ArmEnv(gymnasium.Env[Vector32, Vector32]):
    """An arm with a task.

    An action is the torque divided by the torque limit, (n,) in [-1, 1]; if `robot.gravity` is
    `model`, what carries the arm is added to it, and the sum is within the limit. The environment
    truncates an episode after `config.episode_steps`; only the task terminates one. `info` has
    the reward terms by name, and `is_success`.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 25}  # noqa: RUF012 (the base's type)

    def __init__(
        self,
        config: Config | None = None,
        *,
        task: str = "reach",
        render_mode: str | None = None,
    ) -> None:
        """Build the world and the task.

        Args:
            config: all settings; None takes the defaults and one of our arms for `task`.
            task: its name; ignored if `config` is given.
            render_mode: `rgb_array`, or None for no pictures.

        Raises:
            DdpgRosError: a robot, task or setting that does not fit the others.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigError(f"render_mode is '{render_mode}'; expected rgb_array or None.")
        self.render_mode = render_mode
        self.config = config or Config().with_parameters(
            {"task.name": task, **_ARMS.get(task, {})}, source="ArmEnv"
        )
        robot, section = Robot.of(self.config), self.config.robot
        self._robot = robot
        self._joints, self._torque_limit = robot.joints, robot.torque_limit(section.torque_limit)
        require_friction_overcome(robot, self._torque_limit)
        self._task = make_task(self.config.task, robot)
        require_weight(self._task, self.config)
        payload = Payload.of(section)
        self._mass = None
        if section.gravity == "model":
            self._mass = MassMatrix(robot, payload, self.config.sim.gravity)
        self._world = World(
            robot,
            self.config.sim,
            payload=payload,
            driver_carries=section.gravity == "driver",
        )
        for note in self._world.notes:
            warnings.warn(note, stacklevel=2)
        self._steps = 0
        self.metadata = {**self.metadata, "render_fps": round(1.0 / self.config.control.period)}
        self._size = self._task.observation_size
        self.observation_space = spaces.Box(-np.inf, np.inf, (self._size,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (len(robot.joints),), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Vector32, dict[str, Any]]:
        """Draw a start state and a goal; returns the observation, (o,), and `is_success`.

        Raises:
            TaskFailedError: the task failed, or gave something else than it says.
        """
        super().reset(seed=seed)
        self._world.reset(self.np_random)
        answers.begin(self._task, self.np_random)
        answers.check_goal(self._task, self._robot)
        self._steps = 0
        state = self._world.state(0)
        observation = answers.observation_of(self._task, state, self._size)
        if self.render_mode is not None:
            self._world.show_goal(self._task.goals, self._task.goal)
        return observation, {"is_success": answers.verdict(self._task, "success", state)}

    def step(self, action: Vector32) -> tuple[Vector32, float, bool, bool, dict[str, Any]]:
        """Apply a torque for one control period.

        Args:
            action: torque over torque limit, (n,), clipped to [-1, 1].

        Raises:
            ConfigError: another number of them, or one that is not finite.
            TaskFailedError: the task failed.
        """
        applied = np.clip(np.asarray(action, dtype=np.float32), -1.0, 1.0)
        if applied.shape != self.action_space.shape or not np.isfinite(applied).all():
            raise ConfigError(
                f"the action is {np.asarray(action).tolist()}; expected a finite number for each "
                f"of {', '.join(self._joints)}."
            )
        torque = applied * self._torque_limit
        if self._mass is not None:
            torque = torque + self._mass.weight(self._world.state(0).position)
            torque = np.clip(torque, -self._torque_limit, self._torque_limit)
        self._world.step(torque, self.config.substeps)
        self._steps += 1
        state = self._world.state(round(self._steps * self.config.control.period * 1e9))
        observation = answers.observation_of(self._task, state, self._size)
        terms = answers.reward_of(self._task, state, applied)
        terminated = answers.verdict(self._task, "terminated", state)
        truncated = self._steps >= self.config.episode_steps
        info = {**terms, "is_success": answers.verdict(self._task, "success", state)}
        return observation, sum(terms.values()), terminated, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """Return a picture, (480, 640, 3), or None if render_mode is None."""
        return self._world.render() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the world; a second call does nothing."""
        self._world.close()


def register() -> None:
    """Register the environments with Gymnasium; a second call does nothing."""
    for name, task in IDS.items():
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point="sim.gym_env:ArmEnv", kwargs={"task": task})


register()
