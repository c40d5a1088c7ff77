"""What the worker's process runs: it leaves the control loop's cores, then learns.

Nothing here imports torch before the process has left those cores: torch counts them.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import EXIT_CODE, DdpgRosError
from ddpg_ros.log import log_to_stderr
from ddpg_ros.worker.messages import Failed, WorkerEndpoint

_NICENESS = 10


def learn(endpoint: WorkerEndpoint) -> None:
    """Learn until told to stop, or until the parent is gone."""
    log_to_stderr("learner: ")
    yield_to_control_loop(endpoint.config)
    from ddpg_ros.worker.loop import LearningLoop  # the only import of torch: in the child

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the agent, which says stop
    try:
        with contextlib.closing(LearningLoop(endpoint)) as loop:
            signal.signal(signal.SIGTERM, lambda *_: loop.stop())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            loop.run()
    except DdpgRosError as error:
        with contextlib.suppress(OSError):
            endpoint.connection.send(Failed(str(error)))
        sys.exit(EXIT_CODE)
    with contextlib.suppress(OSError):  # nobody reads it
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)  # all is on disk, and Python would take another half second to unload torch


def yield_to_control_loop(config: Config) -> None:
    """Leave the loop's cores and, in real time, let it go first on those that are shared.

    Without that, a learner that never idles keeps the loop waiting for a time slice wherever
    cores are scarce. In lock-step it is the loop that waits for the learner.
    """
    leave_cores(config.control.cpus)
    if config.run.clock == "realtime":
        os.nice(_NICENESS)


def leave_cores(cpus: Iterable[int]) -> None:
    """Keep this process off the cores of `control.cpus`, where there are others.

    A process that is started by one that is pinned to them would otherwise stay on them.
    """
    taken = set(cpus)
    if not taken:
        return
    others = os.sched_getaffinity(0) - taken or set(range(os.cpu_count() or 1)) - taken
    if others:
        with contextlib.suppress(OSError):  # not ours to use: then it stays where it is
            os.sched_setaffinity(0, others)
