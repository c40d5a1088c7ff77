"""Learning torque control on robot arms over ROS 2 with DDPG."""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ddpg_ros.version import __version__ as __version__

if TYPE_CHECKING:
    from ddpg_ros.algo.learner import Learner
    from ddpg_ros.api import Run, train
    from ddpg_ros.config.parameter_file import load_config
    from ddpg_ros.config.settings import Config
    from ddpg_ros.control.policy import Policy, load_policy
    from ddpg_ros.robot.arm import Robot
    from ddpg_ros.safety.guard import Guard
    from ddpg_ros.safety.state_machine import Safety
    from ddpg_ros.tasks.task import Task

logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = [
    "Config",
    "Guard",
    "Learner",
    "Policy",
    "Robot",
    "Run",
    "Safety",
    "Task",
    "load_config",
    "load_policy",
    "train",
]

_HOME = {
    "Config": "ddpg_ros.config.settings",
    "Guard": "ddpg_ros.safety.guard",
    "Learner": "ddpg_ros.algo.learner",
    "Policy": "ddpg_ros.control.policy",
    "Robot": "ddpg_ros.robot.arm",
    "Run": "ddpg_ros.api",
    "Safety": "ddpg_ros.safety.state_machine",
    "Task": "ddpg_ros.tasks.task",
    "load_config": "ddpg_ros.config.parameter_file",
    "load_policy": "ddpg_ros.control.policy",
    "train": "ddpg_ros.api",
}
"""The module of each public name, imported when the name is first used (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ddpg_ros.extras import naming_extras

    with naming_extras():
        value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
