"""A task of one's own: keep the fingertip at a height. See docs/your-task.md."""

import numpy as np
from pydantic import Field

from ddpg_ros import Robot, Task
from ddpg_ros.types import JointState, Vector32


class Hover(Task):
    """Hold the fingertip at `height`, wherever else it is."""

    class Settings(Task.Settings):
        """Where to hover."""

        height: float = Field(0.1, ge=-2, le=2, description="Height to hold, over the base [m]")
        near: float = Field(0.03, gt=0, le=1, description="Success: this close to it [m]")

    settings: Settings
    terms = ("height", "effort")

    def __init__(self, settings: Settings, robot: Robot) -> None:
        super().__init__(settings, robot)
        self.observation_size = 3 * len(robot.joints)

    def observe(self, state: JointState) -> Vector32:
        q, speed = state.position, state.velocity / self.robot.velocity_limit
        return np.concatenate([np.cos(q), np.sin(q), speed]).astype(np.float32)

    def reward(self, state: JointState, action: Vector32) -> dict[str, float]:
        return {"height": -self._error(state), "effort": -0.01 * float(action @ action)}

    def success(self, state: JointState) -> bool:
        return self._error(state) <= self.settings.near

    def _error(self, state: JointState) -> float:
        return abs(float(self.robot.tip_position(state.position)[2]) - self.settings.height)
