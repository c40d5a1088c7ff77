"""What a run needs around it, looked at before a run directory is made and a process started."""

import os
import socket
import sys
from typing import TYPE_CHECKING, Any

from ddpg_ros.config.settings import Config, LearnerSection
from ddpg_ros.errors import ConfigError, MachineError
from ddpg_ros.files.host_lock import take_host_lock

if TYPE_CHECKING:
    import gymnasium

HIGHEST_DOMAIN = 232  # beyond it, DDS runs out of ports


def require_ros_domain() -> None:
    """Check ROS_DOMAIN_ID; unset and empty are 0.

    Raises:
        ConfigError: no number, or one that DDS has no ports for.
    """
    given = os.environ.get("ROS_DOMAIN_ID") or "0"
    if not (given.isascii() and given.isdecimal() and int(given) <= HIGHEST_DOMAIN):
        raise ConfigError(f"ROS_DOMAIN_ID is {given}; expected 0 to {HIGHEST_DOMAIN}.")


def take_training_place(namespace: str) -> socket.socket:
    """Be the one training of this host in its ROS domain and namespace, until it is closed.

    Raises:
        MachineError: another training is there.
    """
    domain = int(os.environ.get("ROS_DOMAIN_ID") or "0")
    where = f"ROS domain {domain}" + (f", namespace {namespace}" if namespace else "")
    return take_host_lock(
        f"training {domain}{namespace}",
        f"another training runs in {where}: {{holder}}; stop it, or give this one another "
        "ROS_DOMAIN_ID or a namespace (ddpg-ros train --namespace second).",
    )


def require_display() -> None:
    """Check that PyBullet's window has somewhere to open: on Linux an X display, as it wants.

    Raises:
        MachineError: it has not.
    """
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise MachineError("--gui opens a window, and DISPLAY is not set; leave --gui out.")


def require_learner_machine(settings: LearnerSection) -> None:
    """Check what a learner asks of the machine; torch is imported only where it asks for anything.

    Raises:
        MachineError: something that is not there.
    """
    modest = settings.device == "cpu" and settings.matmul_precision == "fp32"
    if not modest or settings.mode == "cudagraph":
        from ddpg_ros.algo.machine import require_machine

        require_machine(settings)


def require_environment(what: "str | gymnasium.Env[Any, Any]", config: Config) -> str:
    """Check that a Gymnasium environment can be learnt on this machine.

    Args:
        what: the id of an environment, or the environment.
        config: settings of the learner.

    Returns:
        What to call the run.

    Raises:
        ConfigError: no such environment, or spaces that DDPG cannot take.
        MachineError: a device, mode, precision or memory that is not there.
    """
    from ddpg_ros.training.gymnasium_environment import Environment
    from ddpg_ros.training.gymnasium_session import about
    from ddpg_ros.worker.memory_check import available_memory, require_room

    env = Environment(what)
    env.close()
    require_learner_machine(config.learner)
    require_room(config.learner, about(env, config).sizes, available_memory())
    return env.name.rpartition("/")[2]
