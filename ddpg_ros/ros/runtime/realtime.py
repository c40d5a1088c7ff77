"""Real-time settings of the control loop: memory lock, FIFO priority, cores, exact timers.

If the system refuses one of them, a warning says how to permit it, and the loop runs without it.

None of this may pass on to the learner. A memory lock ends at its exec; the priority is set with
`SCHED_RESET_ON_FORK`, so no child inherits it; the cores would be inherited, so the learner
leaves them when it starts (`worker/main.py`).
"""

import contextlib
import ctypes
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ddpg_ros.config.sections import ControlSection

_MCL_CURRENT, _MCL_FUTURE = 1, 2  # linux/mman.h
_PR_SET_TIMERSLACK = 29  # linux/prctl.h
_TASKS = Path("/proc/self/task")
_LIMITS = "in /etc/security/limits.conf, and log in again; or run as root"


class Log(Protocol):
    """A logger, as rclpy's."""

    def warning(self, message: str) -> object:
        """Log a refusal."""


def apply_realtime(settings: ControlSection, log: Log) -> None:
    """Give the control loop what `control.lock_memory`, `.fifo_priority` and `.cpus` ask for.

    Priority and cores go to every thread that the process has now: a state comes through those
    of the middleware. To be called once everything is set up, the learner's process started.

    Args:
        settings: the settings.
        log: gets a warning for each refusal.
    """
    if settings.cpus:
        _pin(set(settings.cpus), log)
    if settings.fifo_priority:
        _raise_priority(settings.fifo_priority, log)
    if settings.lock_memory:
        _lock_memory(log)


def wake_on_time() -> None:
    """Let the kernel end this thread's waits when they are over, not up to 50 µs later.

    Even a wait with a timeout of zero takes those 50 µs. On a system without that call nothing
    happens.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)  # [ns]; 0 would be the default


def _pin(cpus: set[int], log: Log) -> None:
    try:
        _for_each_thread(lambda thread: os.sched_setaffinity(thread, cpus))
    except OSError as error:
        log.warning(
            f"control.cpus {sorted(cpus)} is refused ({error.strerror}); this process may use the "
            f"cores {sorted(os.sched_getaffinity(0))} of {os.cpu_count()}. The loop runs on any."
        )


def _raise_priority(priority: int, log: Log) -> None:
    policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    parameters = os.sched_param(priority)
    try:
        _for_each_thread(lambda thread: os.sched_setscheduler(thread, policy, parameters))
    except OSError as error:
        log.warning(
            f"control.fifo_priority {priority} is refused ({error.strerror}); to permit it, put "
            f"'{_user()} - rtprio {priority}' {_LIMITS}. The loop runs with the usual priority."
        )


def _lock_memory(log: Log) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    # Under a limit, locking what is to come would turn the next allocation into an error.
    future = _MCL_FUTURE if unlimited or os.geteuid() == 0 else 0
    if libc.mlockall(_MCL_CURRENT | future) != 0:
        log.warning(
            f"control.lock_memory is refused ({os.strerror(ctypes.get_errno())}); to permit it, "
            f"put '{_user()} - memlock unlimited' {_LIMITS}. The loop's memory may be paged."
        )


def _for_each_thread(act: Callable[[int], None]) -> None:
    for task in _TASKS.iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            act(int(task.name))


def _user() -> str:
    return os.environ.get("USER") or str(os.geteuid())
