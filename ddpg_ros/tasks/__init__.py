"""What an arm is to do; one small file a task, with the task's own settings."""

from ddpg_ros.config.task_registry import find_task
from ddpg_ros.config.task_settings import TaskSettings
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.rehearsal import rehearse
from ddpg_ros.tasks.task import Task

__all__ = ["Task", "make_task"]


def make_task(settings: TaskSettings, robot: Robot) -> Task:
    """Build the task that `settings.name` names for this arm, and rehearse one step of it.

    Raises:
        ConfigError: there is no such task, it does not fit the arm, or it is none.
    """
    task: type[Task] = find_task(settings.name)
    return rehearse(lambda: task(settings, robot), settings.name, robot)
