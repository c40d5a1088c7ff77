"""A lock that one process on this host can hold, until it ends.

Two nodes that start together discover each other in the ROS graph at the same moment, so the
graph cannot decide which was first. A name in Linux's abstract socket namespace can: the kernel
gives it to one process and frees it when that process ends, even by SIGKILL.

The lock does not reach other hosts, containers with their own network, or systems other than
Linux. There the check of the ROS graph is the only one.
"""

import hashlib
import socket
import struct
import sys

from ddpg_ros.errors import MachineError

_CREDENTIALS = struct.Struct("3i")  # process, user, group


def take_host_lock(name: str, refusal: str) -> socket.socket:
    """Take a lock and hold it until the socket is closed or the process ends.

    Args:
        name: of the lock.
        refusal: the error message if the lock is taken; `{holder}` becomes the process that
            holds it.

    Returns:
        The socket that holds the lock.

    Raises:
        MachineError: another process holds the lock.
    """
    if not sys.platform.startswith("linux"):
        return socket.socket()
    lock = socket.socket(socket.AF_UNIX)
    address = b"\0ddpg_ros/" + hashlib.sha256(name.encode()).hexdigest().encode()
    try:
        lock.bind(address)
        lock.listen()
    except OSError:
        lock.close()
        raise MachineError(refusal.format(holder=_holder(address))) from None
    return lock


def _holder(address: bytes) -> str:
    """Return the process that listens on an address, for an error message."""
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        try:
            client.connect(address)
            peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:  # its backlog is full, or it has just ended
            return "another process"
    process, _, _ = _CREDENTIALS.unpack(peer)
    return f"process {process}" if process else "a process of another container"
