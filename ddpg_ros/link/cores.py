"""Which cores the learner computes on: not those that are the control loop's."""

import contextlib
import os
from collections.abc import Iterable


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
