"""What the worker's process runs: it leaves the control loop's cores, then learns.

Nothing here imports torch before the process has left those cores: torch counts them.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterable

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import EXIT_CODE, DdpgRosError
from ddpg_ros.log import log_to_stderr
from ddpg_ros.worker.messages import Failed, WorkerEndpoint

_NICENESS = 10
_PARENT_EVERY = 0.2  # [s] between looks for the parent


def learn(endpoint: WorkerEndpoint) -> None:
    """Learn until told to stop, or until the parent is gone."""
    log_to_stderr("learner: ")
    begun = threading.Event()
    watch = threading.Thread(target=_end_with, args=(endpoint.parent_pid, begun), daemon=True)
    watch.start()
    yield_to_control_loop(endpoint.config)
    from ddpg_ros.worker.loop import LearningLoop  # the only import of torch: in the child

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which sends Stop
    try:
        with contextlib.closing(LearningLoop(endpoint)) as loop:
            begun.set()  # from here on the loop looks after it
            signal.signal(signal.SIGTERM, lambda *_: loop.stop())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            loop.run()
    except DdpgRosError as error:
        with contextlib.suppress(OSError):
            endpoint.connection.send(Failed(str(error)))
        sys.exit(EXIT_CODE)
    with contextlib.suppress(OSError):  # a closed pipe or a full disk
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)  # all is on the disk; unloading torch would take half a second


def _end_with(parent: int, begun: threading.Event) -> None:
    """End this process if its parent is gone before it has begun: an import can take long."""
    while not begun.wait(_PARENT_EVERY):
        if os.getppid() != parent:
            os._exit(EXIT_CODE)


def yield_to_control_loop(config: Config) -> None:
    """Leave the control loop's cores and, in real time, yield to it on the shared ones.

    Otherwise a worker that never idles makes the loop wait for a time slice if cores are scarce.
    In lock-step the loop waits for the worker anyway.
    """
    leave_cores(config.control.cpus)
    if config.run.clock == "realtime":
        os.nice(_NICENESS)


def leave_cores(cpus: Iterable[int]) -> None:
    """Move this process off the cores of `control.cpus`, if there are others.

    A process inherits the cores of its parent, which may be pinned to these.
    """
    taken = set(cpus)
    if not taken:
        return
    others = os.sched_getaffinity(0) - taken or set(range(os.cpu_count() or 1)) - taken
    if others:
        with contextlib.suppress(
            OSError
        ):  # the others are not allowed: the process stays where it is
            os.sched_setaffinity(0, others)
