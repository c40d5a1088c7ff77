"""Runs a node until a signal; what every node's `main` shares."""

import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from ddpg_ros.errors import EXIT_CODE, ConfigError, DdpgRosError


class MainNode(Node):
    """A node that has a process to itself; `destroy_node` leaves everything in order."""

    finished = False
    """Set by the node when it has nothing left to do."""

    def interrupt(self) -> None:
        """Hear of SIGINT or SIGTERM, inside the signal handler: must not block."""


def run_node(make: Callable[[], MainNode], args: Sequence[str] | None = None) -> int:
    """Make a node and spin it until it has finished, or SIGINT or SIGTERM; then destroy it.

    The signals only set a flag, so that `destroy_node` finds everything still working. The node
    needs a timer: the flag is seen when the executor next wakes.

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
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            while not (stopping or node.finished):
                executor.spin_once()  # no timeout: it would make a timer in each turn
        finally:
            node.destroy_node()
    except DdpgRosError as error:
        print(error, file=sys.stderr)
        return EXIT_CODE
    finally:
        try_shutdown()
    return 0


def _init(args: Sequence[str] | None) -> None:
    try:
        rclpy.init(
            args=list(args) if args else None, signal_handler_options=SignalHandlerOptions.NO
        )
    except RuntimeError as error:  # rclpy's for arguments and parameter files it cannot read
        problem = " ".join(str(error).split())
        raise ConfigError(f"the ROS arguments cannot be used: {problem}.") from None
