"""Where a training runs: one a ROS domain and namespace of a host. Standard library alone."""

import os
import socket

from ddpg_ros.errors import ConfigError
from ddpg_ros.files.host_lock import take_host_lock

HIGHEST_DOMAIN = 232  # the ports of a higher one would exceed 65535


def require_ros_domain() -> None:
    """Check ROS_DOMAIN_ID; unset and empty mean 0.

    Raises:
        ConfigError: not a number, or one for which DDS has no ports.
    """
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    if not (domain.isascii() and domain.isdecimal() and int(domain) <= HIGHEST_DOMAIN):
        raise ConfigError(f"ROS_DOMAIN_ID is {domain}; expected 0 to {HIGHEST_DOMAIN}.")


def take_training_lock(namespace: str) -> socket.socket:
    """Take the lock of this host's only training in a ROS domain and namespace.

    Args:
        namespace: empty or absolute, `/left`.

    Returns:
        The lock; closing it allows another training.

    Raises:
        MachineError: another training holds the lock.
    """
    domain = int(os.environ.get("ROS_DOMAIN_ID") or "0")
    where = f"ROS domain {domain}" + (f", namespace {namespace}" if namespace else "")
    return take_host_lock(
        f"training {domain}{namespace}",
        f"another training runs in {where}: {{holder}}; stop it, or give this one another "
        "ROS_DOMAIN_ID or a namespace (ddpg-ros train --namespace second).",
    )
