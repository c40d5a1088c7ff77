"""What an arm is to do; one small file a task."""

from ddpg_ros.config.settings import TaskSection
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.reach import Reach
from ddpg_ros.tasks.swing_up import SwingUp
from ddpg_ros.tasks.task import Task

__all__ = ["Task", "make_task"]


def make_task(settings: TaskSection, robot: Robot) -> Task:
    """Build the task that `settings.name` names for this arm."""
    return SwingUp(settings, robot) if settings.name == "swing_up" else Reach(settings, robot)
