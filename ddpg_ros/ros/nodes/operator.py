"""Arms, resets or stops a guard and a policy, as an operator would by two calls; then it leaves.

The order of arming follows the guard's `safety.fallback`. If the driver holds the arm (`hold`),
the guard sends nothing before it is armed, so the policy goes first; else the guard does. A reset
goes to the guard first. A stop goes to whichever is there, and a node that is not there, or does
not answer, keeps it from no other.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any

from rcl_interfaces.srv import GetParameters
from rclpy.client import Client
from std_srvs.srv import Trigger

from ddpg_ros.errors import MachineError, RefusedError
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.ros.runtime.node import MainNode

_FALLBACK = "safety.fallback"
_FIND_S, _ANSWER_S = 10.0, 5.0
_EVERY = 0.05  # [s]


class Operator(MainNode):
    """Calls a service of one node and then of the other, and has finished."""

    def __init__(self, arguments: Arguments) -> None:
        """Look for the services; nothing is called yet."""
        super().__init__("operator", arguments)
        self._verb = str(self.given.get("verb", "arm"))
        names = ("guard", "policy")
        self._calls = {n: self.create_client(Trigger, f"{n}/{self._verb}") for n in names}
        self._fallback = self.create_client(GetParameters, "guard/get_parameters")
        self._left: list[str] | None = None  # still to be called; None: the order is not known
        if self._verb != "arm":
            self._left = list(names)
        self._missed: list[str] = []  # why a node was not stopped
        self._called: Any = None  # the answer that is waited for
        self._since = time.monotonic()
        self.urgent |= {*self._calls.values(), self._fallback, self.create_timer(_EVERY, self._on)}

    def _on(self) -> None:
        """Call the next service, or look at the answer of the last.

        Raises:
            MachineError: a node is not there, or does not answer.
            RefusedError: a node refuses; what those before it did stays.
        """
        if self._called is None:
            self._call()
        elif self._called.done():
            self._take(self._called.result())
            self._called, self._since = None, time.monotonic()
        elif time.monotonic() - self._since > _ANSWER_S:
            self._give_up(f"{self._name} did not answer within {_ANSWER_S:g} s.")

    def _give_up(self, problem: str) -> None:
        """Raise MachineError, after the other node is called if it is to be stopped."""
        self._missed.append(problem)
        if self._verb != "estop" or self._left is None or len(self._left) < 2:
            raise MachineError(" ".join(self._missed))
        del self._left[0]
        self._called, self._since = None, time.monotonic()

    @property
    def _service(self) -> Client:
        return self._fallback if self._left is None else self._calls[self._left[0]]

    @property
    def _name(self) -> str:
        return str(self.resolve_service_name(self._service.srv_name))

    def _call(self) -> None:
        if self._verb == "estop" and self._left:  # who is there does not wait for who is not
            self._left.sort(key=lambda name: not self._calls[name].service_is_ready())
        client = self._service
        if client.service_is_ready():
            request = Trigger.Request()
            if self._left is None:
                request = GetParameters.Request(names=[_FALLBACK])
            self._called, self._since = client.call_async(request), time.monotonic()
        elif time.monotonic() - self._since > _FIND_S:
            self._give_up(
                f"{self._name} is not there after {_FIND_S:g} s; start the deployment first "
                "(ddpg-ros deploy, or deploy.launch.py), in the same ROS_DOMAIN_ID and namespace."
            )

    def _take(self, answer: Any) -> None:
        if self._left is None:
            holds = bool(answer.values) and answer.values[0].string_value == "hold"
            self._left = ["policy", "guard"] if holds else ["guard", "policy"]
            return
        name = self._left.pop(0)
        if not answer.success:
            raise RefusedError(f"{name}/{self._verb} is refused: {answer.message}")
        self.get_logger().info(f"{name}: {answer.message}")
        if self._missed:
            raise MachineError(" ".join(self._missed))
        self.finished = not self._left


def main(args: Sequence[str] | None = None) -> int:
    """Run the operator: `ddpg-ros arm`, `reset` and `estop`."""
    return run_node(Operator, args)


if __name__ == "__main__":
    sys.exit(main())
