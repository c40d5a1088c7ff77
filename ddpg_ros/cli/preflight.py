"""Checks of the surroundings, before a run makes its directory and starts processes."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import MachineError
from ddpg_ros.extras import require

if TYPE_CHECKING:
    import gymnasium


def require_display() -> None:
    """Check that PyBullet can open a window; on Linux it needs an X display.

    Raises:
        MachineError: DISPLAY is not set.
    """
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise MachineError("--gui opens a window, and DISPLAY is not set; leave --gui out.")


def require_learner_machine(settings: LearnerSection) -> None:
    """Check that this machine has the device and precision that the learner's settings name.

    Every machine has the CPU and fp32, so torch is imported only for other settings.

    Raises:
        MachineError: the device, precision or mode is not available, or torch is not installed.
    """
    require("torch", "tensorboard")
    universal = settings.device == "cpu" and settings.matmul_precision == "fp32"
    if not universal or settings.mode == "cudagraph":
        from ddpg_ros.algo.machine import require_machine

        require_machine(settings)


def require_environment(
    what: "str | gymnasium.Env[Any, Any]", config: Config, run_dir: Path | None = None
) -> PolicyAbout:
    """Check that a Gymnasium environment can be learnt on this machine.

    Args:
        what: the id of an environment, or the environment.
        config: settings of the learner.
        run_dir: the run directory; None: as the settings say.

    Returns:
        What the policy is for.

    Raises:
        ConfigError: no such environment, or spaces that DDPG cannot take.
        MachineError: a device, mode, precision or memory that is not there.
    """
    from ddpg_ros.training.gymnasium_environment import Environment
    from ddpg_ros.training.gymnasium_session import about
    from ddpg_ros.training.memory_check import available_memory, require_disk, require_room

    env = Environment(what)
    env.close()
    require_learner_machine(config.learner)
    policy = about(env, config)
    sizes = policy.sizes
    require_room(config.learner, sizes, available_memory())
    require_disk(config, sizes, run_dir)
    return policy
