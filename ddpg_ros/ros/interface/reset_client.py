"""Asks the simulator for a new episode and says which state is the first of it."""

import time
from collections.abc import Callable

from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from ddpg_ros.errors import MachineError, shortened

_AGAIN_AFTER = 5.0  # [s] without an answer


class ResetClient:
    """One reset at a time; nothing here waits.

    The simulator answers with the stamp of the first state after the reset, in nanoseconds, as
    the message of the response. Without a service, as on a robot, an episode goes on from where
    the arm stands.
    """

    def __init__(self, node: Node, service: str, on_reset: Callable[[], None]) -> None:
        """Take the name of the service, or nothing; `on_reset` hears of each answer."""
        self._node = node
        self._on_reset = on_reset
        self._service = node.resolve_service_name(service) if service else ""
        self.client = node.create_client(Trigger, service) if service else None
        self._pending = False
        self._called_at: float | None = None
        self._missed_since = 0.0  # when it was asked for, or last complained of
        self._call: Future | None = None  # the newest; the answers of others are too late
        self.first_stamp: int | None = None
        """Stamp of the first state of the episode [ns]; None until the reset is answered."""

    def request(self, last_stamp: int) -> None:
        """Ask for a reset; `last_stamp` [ns] is that of the newest state."""
        self._called_at, self._missed_since = None, time.monotonic()
        self._pending = self.client is not None
        self.first_stamp = None if self._pending else last_stamp + 1
        self.poll()

    def cancel(self) -> None:
        """Ask no more, and hear no answer to what was asked."""
        self._pending, self._call, self.first_stamp = False, None, None

    def close(self) -> None:
        """Leave the service."""
        if self.client is not None:
            self._node.destroy_client(self.client)

    def poll(self) -> None:
        """Call the service once it is there, and again where no answer came for 5 s.

        The log speaks of one that is not there, as often.
        """
        if self.client is None or not self._pending:
            return
        now = time.monotonic()
        if self._called_at is not None and now - self._called_at < _AGAIN_AFTER:
            return
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
        if future is self._call and self._pending and response is not None and response.success:
            self._pending = False
            self.first_stamp = self._stamp(response.message)
            self._on_reset()

    def _stamp(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise MachineError(
                f"the service {self._service} answered '{shortened(text)}'; expected the stamp "
                "[ns] of the first state after the reset. Set control.reset_service to a "
                "simulator's, or to '' where an episode goes on from where the arm stands."
            ) from None
