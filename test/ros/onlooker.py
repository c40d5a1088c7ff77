"""Somebody at the graph: calls services, drives lifecycles, reads diagnostics, records topics."""

import math
import time
from collections.abc import Callable
from itertools import takewhile

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from test.conftest import PATIENCE, wait_until
from test.ros.fake_robot import Command, FakeRobot

MANY = QoSProfile(depth=10_000)
AGAIN_AFTER = 5.0  # [s] without an answer of a service
LONG = PATIENCE
SHUTDOWN = {  # by the state it is asked in
    "unconfigured": Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
    "inactive": Transition.TRANSITION_INACTIVE_SHUTDOWN,
    "active": Transition.TRANSITION_ACTIVE_SHUTDOWN,
}
TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}


class Said:
    """One status on `/diagnostics`."""

    def __init__(self, status, at):
        self.level = status.level
        self.message = status.message
        self.values = {pair.key: pair.value for pair in status.values}
        self.at = at  # [ns], by the sender's wall clock


class Onlooker:
    """Shares the node of a fake robot, or has one of its own; acts only inside its methods."""

    def __init__(self, domain: int = 0, robot: FakeRobot | None = None) -> None:
        self.diagnostics: dict[str, list[Said]] = {}  # by the node's name, without the slash
        self._robot = robot
        self._clients = {}
        if robot is None:
            self._context = rclpy.Context()
            rclpy.init(context=self._context, domain_id=domain)
            self.node = rclpy.create_node("onlooker", context=self._context)
            self._executor = SingleThreadedExecutor(context=self._context)
            self._executor.add_node(self.node)
        else:
            self.node = robot.node
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_said, MANY)

    def close(self) -> None:
        if self._robot is None:
            self._executor.shutdown()
            self.node.destroy_node()
            rclpy.try_shutdown(context=self._context)

    def turn(self) -> None:
        """Handle something that has come."""
        if self._robot is None:
            self._executor.spin_once(timeout_sec=0.02)
        else:
            self._robot.turn()

    def until(self, condition: Callable[[], object], what: str, timeout: float = LONG) -> None:
        """Turn until the condition holds; a fake robot is silent meanwhile."""
        wait_until(lambda: bool(condition()), timeout, what, self.turn)

    def record(self, topic: str) -> list[Command]:
        """Return a list that the joint commands of a topic go to as they come."""
        heard: list[Command] = []

        def hear(message: JointState, info: dict[str, int]) -> None:
            stamp = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
            torque = tuple(message.effort)
            heard.append(Command(stamp, tuple(message.name), torque, info["source_timestamp"]))

        self.node.create_subscription(JointState, topic, hear, MANY)
        return heard

    def call(self, kind: type, name: str, request: object = None) -> object:
        """Call a service and return its response; again where it got lost, as DDS may at first."""
        futures, asked_at = [], -math.inf

        def answered() -> bool:
            nonlocal asked_at
            if time.monotonic() - asked_at > AGAIN_AFTER:
                asked_at = time.monotonic()
                futures.append(self.ask(kind, name, request))
            return any(future.done() for future in futures)

        self.until(answered, f"the answer of {name}")
        return next(future.result() for future in futures if future.done())

    def ask(self, kind: type, name: str, request: object = None) -> Future:
        """Call a service and return at once."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        client = self._clients[name]
        self.until(client.service_is_ready, f"the service {name}")
        return client.call_async(request or kind.Request())

    def trigger(self, name: str) -> Trigger.Response:
        """Call a `std_srvs/Trigger`."""
        return self.call(Trigger, name)

    def state_of(self, node: str) -> str:
        """Return the state of a node's lifecycle."""
        return self.call(GetState, f"{node}/get_state").current_state.label

    def change(self, node: str, transition: str, state: str = "") -> bool:
        """Ask for a transition; whether it was done. Of a shutdown, say from which state."""
        future = self.ask_to_change(node, transition, state)
        self.until(future.done, f"{transition} of {node}")
        return future.result().success

    def ask_to_change(self, node: str, transition: str, state: str = "") -> Future:
        """Ask for a transition and return at once."""
        number = SHUTDOWN[state] if transition == "shutdown" else TRANSITIONS[transition]
        request = ChangeState.Request(transition=Transition(id=number))
        return self.ask(ChangeState, f"{node}/change_state", request)

    def said(self, node: str) -> Said | None:
        """Return what a node said last on `/diagnostics`."""
        return (self.diagnostics.get(node) or [None])[-1]

    def mode(self, node: str) -> str:
        """Return the safety state that a node said last; empty where it said none."""
        return self.value(node, "state")

    def value(self, node: str, key: str) -> str:
        """Return one of the values that a node said last; empty where it said none."""
        said = self.said(node)
        return said.values[key] if said else ""

    def _on_said(self, message: DiagnosticArray, info: dict[str, int]) -> None:
        for status in message.status:
            said = Said(status, info["source_timestamp"])
            self.diagnostics.setdefault(status.name.lstrip("/"), []).append(said)


def assert_zeros_last(heard: list[Command], turn: Callable[[], None]) -> None:
    """See that a topic ends with at least five zero torques, over at least 50 ms.

    `turn` takes what is still on its way.
    """

    def span() -> float:
        zeros = list(takewhile(lambda command: not any(command.torque), reversed(heard)))
        return 1e-9 * (zeros[0].sent - zeros[-1].sent) if len(zeros) >= 5 else 0.0

    wait_until(lambda: span() >= 0.05, what="zero torque for 50 ms", turn=turn)
