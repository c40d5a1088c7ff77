"""Waits for a node's urgent entities; looks at its other entities ten times a second.

rclpy's own executor builds its wait set anew in each turn, in Python, from every parameter
service and QoS event of the node: that costs more than the message that is waited for. Here the
wait set is made once and filled again by a handful of calls, and what is ready is taken and
called without a task in between.

Answers to joint states that come one after the other (`python -m benchmarks.executors`, two cores
of an AMD EPYC, medians of four rounds): 4,158 a second here, 3,835 with rclpy's EventsExecutor,
2,337 with its SingleThreadedExecutor; at 500 Hz half of the answers take 0.48, 0.47 and 0.59 ms.
So this one is worth 8 % in lock-step and nothing in real time. The EventsExecutor of rclpy 7.1.6
lets neither a callback nor a signal handler run inside `spin`; it was turned by `spin_once`.

This is the one file that uses private parts of rclpy (`_rclpy.WaitSet` and the calls of the
handles, as in rclpy 7.1's `executors.py`). If one of them is missing, `make_executor` logs that
and returns rclpy's own executor.
"""

import inspect
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from ddpg_ros.ros.runtime.answers import Answers
from ddpg_ros.ros.runtime.standard_executor import BackgroundExecutor, StandardExecutor, Turns

_LONGEST_WAIT = 100_000_000  # [ns], so a signal is noticed within that time
_SHORT_WAIT = 20_000_000  # [ns], while a client is to be found
_OTHERS_EVERY = 0.1  # [s]

_Call = tuple[Callable[..., None], tuple[Any, ...]]  # a function and its arguments

_ADD = {  # in the order in which what is ready is run
    "timer": "add_timer",
    "subscription": "add_subscription",
    "client": "add_client",
    "service": "add_service",
}
_CALLS = {
    "WaitSet": ("clear_entities", "wait", "get_ready_entities", *_ADD.values()),
    "Timer": ("is_timer_ready", "call_timer", "pointer"),
    "Subscription": ("take_message", "pointer"),
    "Client": ("take_response", "pointer"),
    "Service": ("service_take_request", "pointer"),
}


def make_executor(node: Node) -> Turns:
    """Return the fast executor, or rclpy's own if this rclpy lacks what the fast one uses.

    Args:
        node: with a set `urgent` of timers, subscriptions, clients and services.
    """
    missing = missing_calls()
    if missing:
        node.get_logger().warning(
            f"this rclpy has no {', '.join(missing)}: the node waits with rclpy's own executor, "
            "which takes about 0.1 ms longer for each message."
        )
        return StandardExecutor(node)
    return PromptExecutor(node)


def missing_calls(private: object = _rclpy) -> list[str]:
    """Return which of the calls used here `private`, rclpy's C++ module, does not have."""
    return [
        f"{kind}.{call}"
        for kind, calls in _CALLS.items()
        for call in calls
        if not hasattr(getattr(private, kind, None), call)
    ]


class PromptExecutor:
    """Runs the callbacks of one node in the thread that calls `turn`.

    Callback groups do not matter in one thread. A coroutine as an urgent callback is refused.
    """

    def __init__(self, node: Any) -> None:
        """Take a node with a set `urgent` that may change at any time; None in it is ignored."""
        self._node = node
        self._answers = Answers(node)
        self._others = BackgroundExecutor(node, self._answers)
        self._looked_at = 0.0  # [s], monotonic
        self._behind = False  # with the others: then no turn waits
        self._ready: deque[_Call] = deque()
        self._known: set[object] = set()
        self._fill: list[tuple[Callable[[Any], None], Any]] = []  # call and handle, of each
        self._kinds: list[tuple[str, dict[int, _Call]]] = []
        self._wait_set: Any = None
        self._build()

    def turn(self) -> None:
        """Run the next urgent callback, after a wait of at most 0.1 s; then one of the others.

        Raises:
            Exception: whatever a callback raises.
        """
        if not self._ready:
            longest = _SHORT_WAIT if self._answers else _LONGEST_WAIT
            self._wait(0 if self._behind else longest)
        if self._ready:
            call, arguments = self._ready.popleft()
            call(*arguments)
        self._answers.poll()
        now = time.monotonic()
        if now - self._looked_at > _OTHERS_EVERY:
            self._behind = self._others.run_one()  # one a turn: a burst holds nothing up
            if not self._behind:
                self._looked_at = now

    def create_task(self, callback: Callable[..., None], *arguments: object) -> None:
        """Run a function in one of the next turns; futures pass on their callbacks this way."""
        self._ready.append((callback, arguments))

    def close(self) -> None:
        """Let go of the node and the wait set."""
        self._others.shutdown()
        self._wait_set.destroy_when_not_in_use()
        self._fill, self._kinds = [], []

    def _wait(self, timeout: int) -> None:
        if self._known != self._node.urgent:
            self._build()
        if not self._fill:
            self._others.spin_once(timeout_sec=timeout / 1e9)
            return
        wait_set = self._wait_set
        wait_set.clear_entities()  # the last wait left only the ready ones
        try:
            for add, handle in self._fill:
                add(handle)
        except RuntimeError:  # RCLError: an urgent entity is destroyed
            self._build()
            return
        wait_set.wait(timeout)
        for kind, calls in self._kinds:
            for pointer in wait_set.get_ready_entities(kind):
                self._ready.append(calls[pointer])

    def _build(self) -> None:
        """Make the wait set for what is urgent now and not destroyed."""
        self._known = set(self._node.urgent)
        calls: dict[str, dict[int, _Call]] = {}
        handles: list[tuple[str, Any]] = []
        for entity in self._known - {None}:
            kind, call = self._kind_of(entity)
            handle: Any = entity.handle  # type: ignore[attr-defined]
            if handle.pointer:  # else it is destroyed
                calls.setdefault(kind, {})[handle.pointer] = (call, (entity, handle))
                handles.append((kind, handle))
        counts = [len(calls.get(kind, ())) for kind in ("timer", "client", "service")]
        if self._wait_set is not None:
            self._wait_set.destroy_when_not_in_use()
        self._wait_set = _rclpy.WaitSet(
            len(calls.get("subscription", ())), 0, *counts, 0, self._node.context.handle
        )
        self._fill = [(getattr(self._wait_set, _ADD[kind]), handle) for kind, handle in handles]
        self._kinds = [(kind, calls[kind]) for kind in _ADD if kind in calls]

    def _kind_of(self, entity: Any) -> tuple[str, Callable[[Any, Any], None]]:
        for type_, kind, call in (
            (Timer, "timer", _run_timer),
            (Subscription, "subscription", _run_subscription),
            (Client, "client", self._run_client),
            (Service, "service", self._run_service),
        ):
            if isinstance(entity, type_):
                if inspect.iscoroutinefunction(getattr(entity, "callback", None)):
                    raise TypeError(f"an urgent {kind} calls a coroutine; expected a function.")
                return kind, call
        raise TypeError(
            f"{entity!r} is said to be urgent; expected a timer, subscription, client or service."
        )

    def _run_service(self, service: Any, handle: Any) -> None:
        try:
            with handle:
                request, header = handle.service_take_request(service.srv_type.Request)
        except InvalidHandle:
            return
        if header is not None:
            response = service.callback(request, service.srv_type.Response())
            self._answers.send(service, response, header)

    def _run_client(self, client: Any, handle: Any) -> None:
        try:
            with handle:
                header, response = handle.take_response(client.srv_type.Response)
        except InvalidHandle:
            return
        if header is None:
            return
        try:
            future = client.get_pending_request(header.request_id.sequence_number)
        except KeyError:  # the request was given up
            return
        future._set_executor(self)  # without one, what its callbacks raise would be lost
        future.set_result(response)


def take_rest(subscription: Subscription) -> list[tuple[Any, dict[str, Any]]]:
    """Take the other messages that wait, with their info, oldest first; for use in a callback.

    Usually there is none, and that takes a few microseconds.
    """
    rest: list[tuple[Any, dict[str, Any]]] = []
    handle: Any = subscription.handle  # valid here: nothing destroys it during its callback
    while True:
        taken = handle.take_message(subscription.msg_type, subscription.raw)
        if taken is None:
            return rest
        rest.append(taken)
        if len(rest) >= subscription.qos_profile.depth:  # a flood ends here
            return rest


def _run_timer(timer: Timer, handle: Any) -> None:
    try:
        with handle:
            if not handle.is_timer_ready():  # put off or cancelled by a callback before it
                return
            handle.call_timer()
    except InvalidHandle:
        return
    timer.callback()


def _run_subscription(subscription: Subscription, handle: Any) -> None:
    try:
        with handle:
            taken = handle.take_message(subscription.msg_type, subscription.raw)
    except InvalidHandle:
        return
    if taken is None:
        return
    if subscription._callback_type is Subscription.CallbackType.MessageOnly:
        subscription.callback(taken[0])
    else:
        subscription.callback(*taken)
