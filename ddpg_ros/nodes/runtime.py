"""What every node's `main` does: start ROS, spin until told to stop, end in order."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Protocol

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from ddpg_ros.errors import EXIT_CODE, DdpgRosError


class Runnable(Protocol):
    """A node that knows when it has finished and how to end."""

    node: Node
    finished: bool

    def cancel(self) -> None:
        """Be told by a signal that the end is near; must not block."""

    def shutdown(self, interrupted: bool) -> None:
        """Leave everything in order; publishers still work."""


def run(make: Callable[[], Runnable], args: Sequence[str] | None) -> int:
    """Run a node until it has finished or a signal stops it.

    SIGINT and SIGTERM are handled here and not by rclpy, whose handler would shut the context
    before the last commands are sent.

    Returns:
        The exit code: 0, or `EXIT_CODE` with one sentence on stderr for a `DdpgRosError`.
    """
    stopping = False
    runnable: Runnable | None = None

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if runnable is not None:
            runnable.cancel()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    rclpy.init(args=list(args) if args else None, signal_handler_options=SignalHandlerOptions.NO)
    try:
        runnable = make()
        executor = SingleThreadedExecutor()
        executor.add_node(runnable.node)
        try:
            while not (stopping or runnable.finished):
                executor.spin_once()
        finally:
            runnable.shutdown(interrupted=stopping)
            runnable.node.destroy_node()
    except DdpgRosError as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr, flush=True)
        return EXIT_CODE
    finally:
        rclpy.try_shutdown()
    return 0
