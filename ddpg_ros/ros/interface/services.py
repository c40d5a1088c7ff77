"""The operator's services: `~/estop`, `~/reset` and `~/arm`."""

import time
from collections.abc import Callable

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.service import Service
from std_srvs.srv import Trigger

from ddpg_ros.errors import RefusedError
from ddpg_ros.safety.state_machine import Safety

_MANY = QoSProfile(depth=1000)
"""Up to 1000 calls queue; by default ROS would drop all but ten, unanswered."""


class OperatorServices:
    """Three `std_srvs/Trigger`; the message of a refusal is the reason."""

    def __init__(self, node: Node, safety: Safety, obstacle: Callable[[], str]) -> None:
        """Offer the services.

        Args:
            node: offers them.
            safety: what they act on.
            obstacle: returns what stands against arming besides what `safety` knows, or ''.
        """
        self._node = node
        self._safety = safety
        self._obstacle = obstacle
        calls = (("estop", self._on_estop), ("reset", self._on_reset), ("arm", self._on_arm))
        self.services: list[Service] = [
            node.create_service(Trigger, f"~/{name}", call, qos_profile=_MANY)
            for name, call in calls
        ]

    def close(self) -> None:
        """Take the services back."""
        for service in self.services:
            self._node.destroy_service(service)

    def _on_estop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._safety.estop()
        return self._answer(response, True)

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._try(response, lambda: self._safety.reset(time.monotonic()))

    def _on_arm(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._try(
            response, lambda: self._safety.arm(time.monotonic(), obstacle=self._obstacle())
        )

    def _try(self, response: Trigger.Response, act: Callable[[], None]) -> Trigger.Response:
        try:
            act()
        except RefusedError as error:
            response.success, response.message = False, str(error)
            self._node.get_logger().warning(f"refused: {error}", throttle_duration_sec=1.0)
            return response
        return self._answer(response, True)

    def _answer(self, response: Trigger.Response, success: bool) -> Trigger.Response:
        response.success, response.message = success, self._safety.mode.value
        return response
