"""Responses of services, sent without waiting for clients that have called and left.

rmw_fastrtps sends a response only once the client's reader is matched, and waits up to 100 ms for
that with the interpreter's lock held: control loop and watchdog stand still. For a client that
has called and left, it waits in vain. So each response is kept until the graph shows that reader,
and dropped if the reader does not appear within a second.

rclpy does not expose the client, though the header of the request, a C structure, holds its
identity. It is read from there, and used only if the numbers next to it match those that rclpy
exposes.
"""

import ctypes
import struct
import time
from collections import deque
from functools import partial
from typing import Any, NamedTuple

from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.service import Service
from rclpy.utilities import get_rmw_implementation_identifier

_HEADER = struct.Struct("=qq16sq")  # rmw_service_info_t: two times [ns], the reader, the number
_OBJECT = 7 * ctypes.sizeof(ctypes.c_void_p)  # pybind11's, of a class without bases [bytes]
_PATIENCE = 1.0  # [s] for a client's reader to be found
_LOOK_EVERY = 0.02  # [s]
_MOST = 1000  # answers that are kept

Readers = dict[tuple[int, ...], bool]


class _Kept(NamedTuple):
    service: Any
    response: object
    header: Any
    client: tuple[int, ...]
    since: float  # [s]


class Answers:
    """The way out for the responses of a node's services; `poll` sends those that were kept."""

    def __init__(self, node: Node) -> None:
        """Take the node; nothing changes for its services before `adopt`."""
        self._node = node
        self._waits = "fastrtps" in get_rmw_implementation_identifier()
        self._kept: deque[_Kept] = deque(maxlen=_MOST)
        self._looked_at = 0.0  # [s]

    def __len__(self) -> int:
        """How many answers are kept."""
        return len(self._kept)

    def adopt(self) -> None:
        """Have the services of the node that rclpy runs by itself answer through here."""
        for service in self._node.services:
            if "send_response" not in vars(service):
                service.send_response = partial(  # type: ignore[method-assign]
                    self.send, service
                )

    def send(self, service: Any, response: object, header: Any) -> None:
        """Send a response, or keep it until the client is found."""
        client = client_of(header) if self._waits else None
        if client is None or _readers(self._node, service).get(client):
            Service.send_response(service, response, header)
        else:
            self._kept.append(_Kept(service, response, header, client, time.monotonic()))

    def poll(self) -> None:
        """Send what was kept to the clients that are found by now; cheap in every turn."""
        if not self._kept:
            return
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        readers: dict[object, Readers] = {}  # one question for each service
        for _ in range(len(self._kept)):
            kept = self._kept.popleft()
            try:
                if kept.service not in readers:
                    readers[kept.service] = _readers(self._node, kept.service)
                if readers[kept.service].get(kept.client):
                    Service.send_response(kept.service, kept.response, kept.header)
                elif now - kept.since < _PATIENCE:
                    self._kept.append(kept)
            except InvalidHandle:  # the service is gone
                continue


def client_of(header: Any) -> tuple[int, ...] | None:
    """Return the identity of the reader that waits for the answer to a request.

    Args:
        header: rclpy's, of the request.

    Returns:
        16 bytes, as the graph shows them; None for a header of another make than is known here.
    """
    if type(header).__basicsize__ != _OBJECT:
        return None
    address = ctypes.c_void_p.from_address(id(header) + object.__basicsize__).value
    if not address:
        return None
    sent, received, reader, number = _HEADER.unpack(ctypes.string_at(address, _HEADER.size))
    shown = header.source_timestamp, header.received_timestamp, header.request_id.sequence_number
    return tuple(reader) if (sent, received, number) == shown else None


def _readers(node: Node, service: Any) -> Readers:
    """Return the readers of a service's answers, and whether each can be matched."""
    found = node.get_subscriptions_info_by_topic(f"rr{service.service_name}Reply", no_mangle=True)
    return {
        tuple(info.endpoint_gid[:16]): _suits(service.qos_profile, info.qos_profile)
        for info in found
    }


def _suits(offered: Any, asked: Any) -> bool:
    """Whether a reader can be matched; what the graph does not know of it is not asked about."""
    return asked.durability in (DurabilityPolicy.VOLATILE, offered.durability)
