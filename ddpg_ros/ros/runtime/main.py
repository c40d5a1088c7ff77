"""Runs a node until a signal, and takes it down; what every node's `main` shares."""

import gc
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import FrameType

import rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args, try_shutdown

from ddpg_ros.errors import EXIT_CODE, ConfigError, DdpgRosError
from ddpg_ros.log import log_to, log_to_stderr
from ddpg_ros.ros.runtime.arguments import Arguments, read_arguments
from ddpg_ros.ros.runtime.executor import make_executor
from ddpg_ros.ros.runtime.log import RosHandler
from ddpg_ros.ros.runtime.node import MainNode
from ddpg_ros.ros.runtime.process import leave, leave_within, make_stdio_nonblocking
from ddpg_ros.ros.runtime.realtime import wake_on_time
from ddpg_ros.ros.runtime.transport import choose_transport
from ddpg_ros.ros_domain import require_ros_domain

_LOG = logging.getLogger(__name__)

_GRAPH_S = 0.5  # [s] to leave the graph, which takes a few hundredths


def run_node(make: Callable[[Arguments], MainNode], args: Sequence[str] | None = None) -> int:
    """Make a node, spin it until it has finished or SIGINT, SIGTERM or SIGHUP; take it down.

    The signals only set a flag, so that the way down finds everything still working. The flag
    is seen when the executor next wakes, within 0.1 s.

    Args:
        make: makes the node out of its command line, once ROS is up.
        args: the command line's; None means those of this process, which then ends here.

    Returns:
        The exit code: 0 at the end and after a signal; `EXIT_CODE` for an error that a user can
        fix, whose message alone is logged; 1 for every other exception, with a traceback. Both
        go to stderr, to the node's log file and to /rosout.
    """
    stopping: list[int] = []
    node: MainNode | None = None

    def stop(number: int, _: FrameType | None) -> None:
        stopping.append(number)
        if node is not None:
            node.interrupt()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, stop)
    make_stdio_nonblocking()
    log_to_stderr()
    problem: BaseException | None = None
    way_down: list[Callable[[], object]] = []
    out: list[Callable[[], object]] = [gc.collect, try_shutdown]  # of a node that is half made
    try:
        node = make(_init(args))
        log_to(RosHandler(node.get_logger()))
        way_down, out = [node.rest, node.end], [node.destroy_node, try_shutdown]
        wake_on_time()
        node.start()
        gc.collect()
        gc.freeze()
        executor = make_executor(node)
        way_down.insert(1, executor.close)
        while not (stopping or node.finished):
            executor.turn()
    except BaseException as error:  # whatever it is, zero torque goes out before the node goes
        problem = error
        if node is not None:
            way_down.insert(0, partial(node.failed, error))
    problem = take_down(way_down, problem)
    code = _exit_code(problem)  # still by the node's logger, if there is one: on /rosout, too
    log_to_stderr()  # rclpy is about to be shut down
    problem = None  # it may hold a node that is half made
    way_down.clear()
    if args is None:
        leave_within(_GRAPH_S, code)
    late = take_down(out, None)
    if code == 0:
        code = _exit_code(late)
    if args is None:
        leave(code)
    return code


def take_down(
    steps: Sequence[Callable[[], object]], problem: BaseException | None
) -> BaseException | None:
    """Take every step of the way down, whatever those before it raise.

    Args:
        steps: in order.
        problem: what the way down begins with; None at the end of a run and after a signal.

    Returns:
        The problem, or else the first that came on the way.
    """
    for step in steps:
        try:
            step()
        except BaseException as error:  # noqa: PERF203 (each step has to be tried)
            problem = problem or error
    return problem


def _exit_code(problem: BaseException | None) -> int:
    if problem is None:
        return 0
    if isinstance(problem, DdpgRosError):
        _LOG.error(problem)
        return EXIT_CODE
    with suppress(Exception):
        _LOG.critical("".join(traceback.format_exception(problem)).rstrip())
    return 1


def _init(args: Sequence[str] | None) -> Arguments:
    """Read the command line, and bring ROS up."""
    arguments = read_arguments(sys.argv[1:] if args is None else args)
    require_ros_domain()
    choose_transport()
    try:
        rclpy.init(args=list(arguments.rest), signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # rclpy's for arguments and parameter files it cannot read
        problem = " ".join(str(error).split())
        raise ConfigError(f"the ROS arguments cannot be used: {problem}.") from None
    others = remove_ros_args([sys.argv[0], *arguments.rest])[1:]
    if others:
        raise ConfigError(
            f"'{others[0]}' is no ROS argument, and a node takes nothing else: "
            "--ros-args --params-file FILE -p NAME:=VALUE -r __ns:=/NAMESPACE --log-level info."
        )
    return arguments
