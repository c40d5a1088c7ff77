"""A robot in the test's own process: it publishes states as told and records the commands."""

import math
import time
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.srv import GetParameters
from rclpy.client import Client
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from test.conftest import PATIENCE, wait_until

PERIOD = 40_000_000  # [ns]
JOINTS = ("shoulder", "elbow")
_AGAIN_AFTER = 0.2  # [s] without an answer
_ASKED_AGAIN_AFTER = 5.0  # [s] without an answer of a service
_LONGEST_TURN = 0.02  # [s]
_STATES = QoSProfile(depth=1)


class Command(NamedTuple):
    """A joint command, and when it was sent."""

    stamp: int  # [ns]
    names: tuple[str, ...]
    torque: tuple[float, ...]  # [N·m]
    sent: int  # [ns], by the sender's wall clock


class FakeRobot:
    """Stands where the simulator stands; nothing happens but inside its methods."""

    def __init__(
        self, domain: int, joints: Sequence[str] = JOINTS, qos: QoSProfile = _STATES
    ) -> None:
        """Open the topics in a ROS domain; nothing is published yet."""
        self.joints = tuple(joints)
        self.commands: list[Command] = []
        self.episodes: list[list[float]] = []  # return, length, success
        self.resets = 0
        self.reset_answer: str | None = None
        """What the reset service says; None: the stamp, as it should."""
        self.lockstep = False
        """Answer each command of the newest stamp with the next state."""
        self.stamp = PERIOD
        self.at_rest = False
        self.displaced = 0.0
        """By which somebody has moved the first joint [rad]."""
        self.published: set[int] = set()  # stamps
        self._clients: dict[str, Client] = {}
        self.clock_offset = 0
        """By which the stamps of `stream` are ahead of the wall clock [ns]."""
        self.statuses: dict[str, DiagnosticStatus] = {}
        """The newest of each node on /diagnostics."""
        self._published_at = 0.0
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node("simulator", context=self._context)
        self._states = self.node.create_publisher(JointState, "joint_states", qos)
        many = QoSProfile(depth=1000)
        self.node.create_subscription(JointState, "joint_command", self._on_command, many)
        self.node.create_subscription(Float64MultiArray, "agent/episode", self._on_episode, many)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_status, many)
        self.node.create_service(Trigger, "~/reset", self._on_reset)
        self._parameters = self.node.create_client(GetParameters, "agent/get_parameters")
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def message(self, stamp: int) -> JointState:
        """Return the state of one stamp: a slow swing, or standing still where `at_rest`."""
        phase = 0.0 if self.at_rest else 0.1 * ((stamp - self.clock_offset) // PERIOD)
        message = JointState(name=list(self.joints))
        count = len(self.joints)
        message.position = [1.0 + 0.3 * math.sin(phase + i) for i in range(count)]
        message.position[0] += self.displaced
        speed = 0.0 if self.at_rest else 0.3
        message.velocity = [speed * math.cos(phase + i) for i in range(count)]
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        return message

    def publish(self, message: JointState | None = None) -> None:
        """Publish a message, or the state of the present stamp."""
        self._published_at = time.monotonic()
        if message is None:
            self.published.add(self.stamp)
        self._states.publish(message or self.message(self.stamp))

    def turn(self, longest: float = _LONGEST_TURN) -> None:
        """Handle what has come, or wait for it up to `longest` [s]."""
        self._executor.spin_once(timeout_sec=longest)

    def until(self, condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
        """Turn until the condition holds; the present state is repeated now and then."""

        def turn() -> None:
            self.turn()
            if time.monotonic() - self._published_at > _AGAIN_AFTER:
                self.publish()

        wait_until(lambda: bool(condition()), timeout, what, turn)

    def silent_until(
        self, condition: Callable[[], object], what: str, timeout: float = PATIENCE
    ) -> None:
        """Turn until the condition holds and publish nothing."""
        wait_until(lambda: bool(condition()), timeout, what, self.turn)

    def stream(
        self,
        condition: Callable[[], object],
        what: str,
        timeout: float = PATIENCE,
        *,
        period: float = PERIOD * 1e-9,
        change: Callable[[JointState], JointState | None] | None = None,
    ) -> None:
        """Publish states in real time until the condition holds, stamped by the wall clock.

        Args:
            condition: ends it.
            what: the condition, in words.
            timeout: to wait for it [s].
            period: between states [s]; a state that is late is not caught up.
            change: makes of each state what is published; None: that one is lost.
        """
        due = time.monotonic()

        def turn() -> None:
            nonlocal due
            if time.monotonic() >= due:
                due = max(due + period, time.monotonic())
                self.stamp = time.time_ns() + self.clock_offset
                message: JointState | None = self.message(self.stamp)
                if change is not None:
                    message = change(message)
                if message is not None:
                    self.publish(message)
            self.turn(min(_LONGEST_TURN, max(0.0, due - time.monotonic())))

        wait_until(lambda: bool(condition()), timeout, what, turn)

    def stream_for(
        self,
        seconds: float,
        *,
        period: float = PERIOD * 1e-9,
        change: Callable[[JointState], JointState | None] | None = None,
    ) -> None:
        """Publish states in real time for so long; see `stream`."""
        end = time.monotonic() + seconds
        self.stream(
            lambda: time.monotonic() > end,
            "the end",
            2.0 * seconds + 20.0,
            period=period,
            change=change,
        )

    def silent_for(self, seconds: float) -> None:
        """Handle what comes and publish nothing for so long."""
        end = time.monotonic() + seconds
        self.silent_until(lambda: time.monotonic() > end, "the end", 2.0 * seconds + 20.0)

    def status(self, key: str, node: str = "policy") -> str:
        """Return a value of a node's diagnostics; nothing where none has come."""
        status = self.statuses.get(f"/{node}")
        values = {pair.key: pair.value for pair in status.values} if status else {}
        return values.get(key, "")

    def sentence(self, node: str = "policy") -> str:
        """Return the sentence of a node's diagnostics."""
        return self.statuses[f"/{node}"].message if f"/{node}" in self.statuses else ""

    def call(self, service: str, kind: Any = Trigger, request: object = None) -> Any:
        """Call a service while states are streamed; return its response.

        It is asked again if it does not answer: who is found has not always found us.
        """
        client = self.client(service, kind)
        self.stream(client.service_is_ready, f"the service {service}")
        self.stream_for(4 * PERIOD * 1e-9)  # it took a moment to be found
        futures, asked_at = [], -math.inf

        def answered() -> bool:
            nonlocal asked_at
            if time.monotonic() - asked_at > _ASKED_AGAIN_AFTER:
                asked_at = time.monotonic()
                futures.append(client.call_async(request or kind.Request()))
            return any(future.done() for future in futures)

        self.stream(answered, f"an answer of {service}")
        return next(future.result() for future in futures if future.done())

    def client(self, service: str, kind: Any = Trigger) -> Client:
        """Return a client of a service; it stays until the end."""
        if service not in self._clients:
            self._clients[service] = self.node.create_client(kind, service)
        return self._clients[service]

    def answer(self, message: JointState | None = None) -> Command:
        """Publish the present state (as `message`) until it is answered; return the answer."""
        self.publish(message)
        self.until(lambda: self.answered(self.stamp), f"a command for {self.stamp}")
        return next(c for c in reversed(self.commands) if c.stamp == self.stamp)

    def step(self, message: JointState | None = None) -> Command:
        """Move time on by a period, and get the answer."""
        self.stamp += PERIOD
        return self.answer(message)

    def begin(self) -> Command:
        """Publish states until the agent is armed and has answered the first of an episode."""

        def move_on() -> bool:
            if self.answered(self.stamp) and not self.resets:
                self.stamp += PERIOD
                self.publish()
            return bool(self.resets)

        self.until(move_on, "the first reset")
        return self.answer()

    def answered(self, stamp: int) -> int:
        """How many commands carry a stamp."""
        return sum(command.stamp == stamp for command in self.commands)

    def arrive(self) -> None:
        """Wait until every state that was published has arrived at each who hears them."""
        assert self._states.wait_for_all_acked(Duration(seconds=PATIENCE))

    def settle(self) -> None:
        """Wait until the agent has handled all that was published: it takes states first."""
        self.arrive()
        self.silent_until(self._parameters.service_is_ready, "the agent's parameter service")
        future = self._parameters.call_async(GetParameters.Request(names=["run.seed"]))
        self.silent_until(future.done, "the agent's parameters")

    def drain(self) -> None:
        """Take the commands that are still on their way."""
        count, begin = -1, time.time_ns()
        while count != len(self.commands) and not self._came_after(begin):
            count = len(self.commands)
            for _ in range(10):
                self.turn()

    def _came_after(self, moment: int) -> bool:
        return bool(self.commands) and self.commands[-1].sent > moment

    def zeros_at_the_end(self) -> list[Command]:
        """Return the zero torques that nothing but zero torque follows, newest first."""
        return list(takewhile(lambda c: not any(c.torque), reversed(self.commands)))

    def _on_command(self, message: JointState, info: dict[str, int]) -> None:
        stamp = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
        command = Command(
            stamp, tuple(message.name), tuple(message.effort), info["source_timestamp"]
        )
        self.commands.append(command)
        if self.lockstep and stamp == self.stamp:
            self.stamp += PERIOD
            self.publish()

    def _on_status(self, message: DiagnosticArray) -> None:
        self.statuses |= {status.name: status for status in message.status}

    def _on_episode(self, message: Float64MultiArray) -> None:
        self.episodes.append(list(message.data))

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.resets += 1
        self.stamp += PERIOD
        self.publish()
        response.success = True
        response.message = str(self.stamp) if self.reset_answer is None else self.reset_answer
        return response
