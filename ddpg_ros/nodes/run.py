"""Runs a node until a signal; what every node's `main` shares."""

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from ddpg_ros.errors import EXIT_CODE, ConfigError, DdpgRosError

_OTHERS_EVERY = 0.1  # [s]
_OTHERS_AT_ONCE = 2  # callbacks: a burst of services does not hold up the loop


class MainNode(Node):
    """A node that has a process to itself; `destroy_node` leaves everything in order."""

    finished = False
    """Set by the node when it has nothing left to do."""

    def __init__(self, name: str) -> None:
        """Make a node that keeps what a parameter file says beyond what is declared."""
        super().__init__(name, automatically_declare_parameters_from_overrides=True)
        self.urgent: set[object] = set()
        """Subscriptions, timers, clients and services that are looked at in every turn."""

    def start(self) -> None:
        """Begin, where that takes more than being made."""

    def interrupt(self) -> None:
        """Hear of SIGINT or SIGTERM, inside the signal handler: must not block."""

    def failed(self, error: Exception) -> None:
        """Hear that a callback has failed, before the node is destroyed."""


class PromptExecutor(SingleThreadedExecutor):
    """Looks at a node's urgent entities in every turn and at the others ten times a second.

    rclpy builds its wait set anew in each turn, in Python: with all the parameter services and
    QoS events of a node in it, that costs more than the message that is waited for.
    """

    def __init__(self, node: MainNode) -> None:
        """Take the node whose entities are to be waited for."""
        super().__init__()
        self.add_node(node)
        self._urgent = node.urgent
        self._patient = False
        self._looked_at = 0.0  # [s], monotonic

    def can_execute(self, entity: Any) -> bool:
        """Whether an entity is waited for in this turn; rclpy asks for each one."""
        return (self._patient or entity in self._urgent) and super().can_execute(entity)

    def turn(self) -> None:
        """Wait for the next urgent callback and run it; look at the others where it is time."""
        self.spin_once()  # no timeout: it would make a timer in each turn
        now = time.monotonic()
        if now - self._looked_at > _OTHERS_EVERY:
            self._looked_at = now
            self._patient = True
            for _ in range(_OTHERS_AT_ONCE):
                self.spin_once(timeout_sec=0.0)
            self._patient = False


def run_node(make: Callable[[], MainNode], args: Sequence[str] | None = None) -> int:
    """Make a node and spin it until it has finished, or SIGINT or SIGTERM; then destroy it.

    The signals only set a flag, so that `destroy_node` finds everything still working. The node
    needs an urgent timer: the flag is seen when the executor next wakes.

    Args:
        make: makes the node, once ROS is up.
        args: the command line's; None means those of this process.

    Returns:
        The exit code: 0 at the end and after a signal, `EXIT_CODE` for an error that a user can
        mend, whose message alone goes to stderr.
    """
    stopping: list[int] = []
    node: MainNode | None = None

    def stop(number: int, _: FrameType | None) -> None:
        stopping.append(number)
        if node is not None:
            node.interrupt()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        _init(args)
        node = make()
        try:
            node.start()
            gc.collect()
            gc.freeze()
            executor = PromptExecutor(node)
            while not (stopping or node.finished):
                executor.turn()
        except Exception as error:
            node.failed(error)
            raise
        finally:
            node.destroy_node()
    except DdpgRosError as error:
        print(error, file=sys.stderr)
        return EXIT_CODE
    finally:
        try_shutdown()
    return 0


def _init(args: Sequence[str] | None) -> None:
    # A torque topic stays on this host unless somebody says more.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    try:
        rclpy.init(
            args=list(args) if args else None, signal_handler_options=SignalHandlerOptions.NO
        )
    except RuntimeError as error:  # rclpy's for arguments and parameter files it cannot read
        problem = " ".join(str(error).split())
        raise ConfigError(f"the ROS arguments cannot be used: {problem}.") from None
