"""Where a training runs: one a ROS domain and namespace of a host. Standard library alone."""

import os
import socket

from ddpg_ros.files.host_lock import take_host_lock


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
