"""A place on this host that one process can have: the first gets it, for as long as it lives.

Two nodes that start together find each other in the graph at the same moment, and neither knows
who was first. A name in Linux's abstract namespace of sockets tells them: the kernel gives it to
one alone, and takes it back when the process ends, however it ends. Hosts do not share it, nor do
containers with networks of their own, and other systems have no such names; there the graph has
to do.
"""

import hashlib
import socket
import struct
import sys

from ddpg_ros.errors import MachineError

_CREDENTIALS = struct.Struct("3i")  # process, user, group


def take_host_lock(name: str, refusal: str) -> socket.socket:
    """Take a place until the socket is closed, or the process ends.

    Args:
        name: of the place.
        refusal: the sentence when another one has it; `{holder}` stands for that one.

    Raises:
        MachineError: another one has it.
    """
    if not sys.platform.startswith("linux"):
        return socket.socket()
    place = socket.socket(socket.AF_UNIX)
    address = b"\0ddpg_ros/" + hashlib.sha256(name.encode()).hexdigest().encode()
    try:
        place.bind(address)
        place.listen()
    except OSError:
        place.close()
        raise MachineError(refusal.format(holder=_holder(address))) from None
    return place


def _holder(address: bytes) -> str:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.setblocking(False)
        try:
            asking.connect(address)
            told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:  # many have asked, or it has just ended
            return "another process"
    process, _, _ = _CREDENTIALS.unpack(told)
    return f"process {process}" if process else "a process of another container"
