"""What the learner's process does so that it is never in the control loop's way."""

import contextlib
import os
from collections.abc import Iterable

from ddpg_ros.config.settings import Config

_NICENESS = 10


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
