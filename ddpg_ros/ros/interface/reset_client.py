"""Asks the simulator to place the arm for a new episode."""

import time
from collections.abc import Callable

from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from ddpg_ros.errors import MachineError, shortened

_AGAIN_AFTER = 5.0  # [s] without an answer


class ResetClient:
    """Calls the reset service, one reset at a time; nothing here blocks.

    The simulator answers with the stamp of the first state after the reset, in nanoseconds, as
    the message of the response.
    """

    def __init__(self, node: Node, service: str, on_placed: Callable[[int], None]) -> None:
        """Take the name of the service; `on_placed` gets the stamp of each answer [ns]."""
        self._node = node
        self._on_placed = on_placed
        self._service = node.resolve_service_name(service)
        self.client = node.create_client(Trigger, service)
        self._pending = False
        self._called_at: float | None = None
        self._missed_since = 0.0  # [s] when the reset was asked for, or its absence last logged
        self._call: Future | None = None  # the newest; answers to earlier calls come too late

    def request(self) -> None:
        """Ask for a reset."""
        self._called_at, self._missed_since = None, time.monotonic()
        self._pending = True
        self.poll()

    def cancel(self) -> None:
        """Stop asking, and ignore the answer to a call that is under way."""
        self._pending, self._call = False, None

    def close(self) -> None:
        """Leave the service."""
        self._node.destroy_client(self.client)

    def poll(self) -> None:
        """Call the service once it is there, and again 5 s after a call that placed nothing.

        The log speaks of a service that is not there, refuses or does not answer, as often.
        """
        if not self._pending:
            return
        now = time.monotonic()
        if self._called_at is not None and now - self._called_at < _AGAIN_AFTER:
            return
        if self._called_at is not None and self._call is not None:
            self._call = None  # an answer that comes later is to a call that was given up
            self._node.get_logger().warning(
                f"no episode begins: the service {self._service} has not answered for "
                f"{_AGAIN_AFTER:g} s. It is called again; look at the node that offers it."
            )
        if self.client.service_is_ready():
            self._called_at = now
            self._call = self.client.call_async(Trigger.Request())
            self._call.add_done_callback(self._on_response)
        elif now - self._missed_since >= _AGAIN_AFTER:
            self._missed_since = now
            self._node.get_logger().warning(
                f"no episode begins: nobody offers the service {self._service}. Waiting; start "
                "the simulator, or, for an arm that nobody puts back, set run.clock: realtime and "
                "control.reset_service: ''."
            )

    def _on_response(self, future: Future) -> None:
        response = future.result()
        if future is not self._call or not self._pending or response is None:
            return
        self._call = None
        if response.success:
            self._pending = False
            self._on_placed(self._stamp(response.message))
        else:
            self._node.get_logger().warning(
                f"no episode begins: the service {self._service} refuses to place the arm: "
                f"'{shortened(response.message)}'. It is called again in {_AGAIN_AFTER:g} s."
            )

    def _stamp(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise MachineError(
                f"the service {self._service} answered '{shortened(text)}'; expected the stamp "
                "[ns] of the first state after the reset. Set control.reset_service to a "
                "simulator's, or to '' where an episode goes on from where the arm stands."
            ) from None
