"""Supervision of the worker: if it dies, synchronous training fails, real time restarts it.

The restarting supervisor has a thread of its own, so that the control loop waits neither for a
process to start nor for one to end; the loop reads plain attributes.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal

from ddpg_ros.worker.handle import WorkerHandle
from ddpg_ros.worker.heartbeat import Heartbeat, HeartbeatMonitor
from ddpg_ros.worker.messages import Failed
from ddpg_ros.worker.shared.mailbox import WeightMailbox

State = Literal["starting", "learning", "silent", "restarting", "gone"]
BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses before each restart [s]; a run allows as many restarts as there are pauses."""

_LOOK = 0.05  # [s] between looks; the end of the process ends the wait at once
_END_TIMEOUT = 2.0  # [s] for the thread to end, which may be starting a process


class FailFastSupervisor:
    """Starts one worker and reports its end; the interface of `RestartingSupervisor`."""

    absent = False
    restarts = 0

    def __init__(self, begin: Callable[[bool], WorkerHandle], mailbox: WeightMailbox) -> None:
        """Start the worker.

        Args:
            begin: starts a process; its argument says whether it is a restart.
            mailbox: of the weights.
        """
        self._mailbox = mailbox
        self.handle = begin(False)
        self.cancelled = False

    @property
    def state(self) -> State:
        """The worker's state."""
        alive = self.handle.alive  # before its messages, which it sends before it ends
        self.handle.receive()
        if not alive:
            return "gone"
        return "learning" if self._mailbox.version else "starting"

    @property
    def why(self) -> str:
        """Why `state` is gone, in a sentence."""
        if isinstance(self.handle.last, Failed):
            return self.handle.last.message
        return (
            f"the learner ended unasked, with {self.handle.ending}; its last words are above. The "
            "policy saved last, if any, is in the run directory."
        )

    def absent_for(self, now: float) -> float:
        """Return 0.0: the run does not go on without its worker."""
        return 0.0

    def end(self) -> None:
        """Do nothing."""


class RestartingSupervisor:
    """Restarts the worker from its checkpoint until `end`, or until it was lost too often.

    A worker that reports why it failed (`Failed`: a setting, or divergence) is not restarted; it
    would fail again.
    """

    def __init__(
        self,
        begin: Callable[[bool], WorkerHandle],
        heartbeat: Heartbeat,
        mailbox: WeightMailbox,
        start_timeout: float,
        back_off: Sequence[float] = BACK_OFF,
    ) -> None:
        """Start the first worker on this thread, and supervise it on another.

        Args:
            begin: starts a process; its argument says whether it is a restart.
            heartbeat: of the worker.
            mailbox: of the weights; a worker is well once it has published some.
            start_timeout: how long a worker may take to its first heartbeat [s].
            back_off: see `BACK_OFF`.
        """
        self._begin, self._heartbeat, self._mailbox = begin, heartbeat, mailbox
        self._start_timeout = start_timeout
        self._back_off = back_off
        self._ended = threading.Event()
        self.state: State = "starting"
        self.restarts = 0
        self.why = ""
        """Why `state` is gone, in a sentence."""
        self.cancelled = False
        """Set by a signal handler; no worker is restarted after that."""
        self._absent_since: float | None = None
        self._start(revived=False)
        self._thread = threading.Thread(target=self._run, name="worker supervision", daemon=True)
        self._thread.start()

    @property
    def absent(self) -> bool:
        """Whether the worker was lost, and its successor is not ready."""
        return self._absent_since is not None

    def absent_for(self, now: float) -> float:
        """Return for how long the worker has been absent at `now` [s], monotonic, or 0.0."""
        since = self._absent_since
        return 0.0 if since is None else max(0.0, now - since)

    def end(self) -> None:
        """End the supervision; the caller is responsible for `handle` from here on."""
        self._ended.set()
        self._thread.join(_END_TIMEOUT)
        self.why = self.why or "the learner was stopped."
        self.state = "gone"

    def _run(self) -> None:
        try:
            self._supervise()
        except BaseException:
            self._give_up("the supervision of the learner failed; its traceback is above.")
            raise

    def _supervise(self) -> None:
        why = self._watch()
        for pause in self._back_off:
            if not why or self._is_final():
                return
            self.state = "restarting"
            if self._ended.wait(pause) or self.cancelled:
                return
            self.restarts += 1
            try:
                self._start(revived=True)
            except OSError as error:  # no memory for it, or too many processes
                why = f"it could not be started ({error})"
            else:
                why = self._watch()
        if why and not self._is_final():
            self._give_up(_too_often(self.restarts, why))

    def _start(self, revived: bool) -> None:
        self._version = self._mailbox.version
        self._heartbeat.beat(self._start_timeout)
        self._monitor = HeartbeatMonitor(self._heartbeat)
        self.handle = self._begin(revived)

    def _watch(self) -> str:
        """Watch the present worker; return how it was lost, or nothing after `end`."""
        handle = self.handle
        while not self._ended.is_set():
            handle.wait(_LOOK)
            if not handle.alive:
                handle.receive()  # what it sent between the last look and its end
                self._absent_since = self._absent_since or time.monotonic()
                return f"it ended unasked, with {handle.ending}"
            if self._monitor.look():
                return self._kill(handle)
            if self._mailbox.version > self._version and self.state != "learning":
                self._absent_since = None
                self.state = "learning"
        return ""

    def _kill(self, handle: WorkerHandle) -> str:
        """Kill a worker that hangs, and wait for its end: two would write the same memory."""
        silence = self._monitor.silence
        self._absent_since = self._absent_since or time.monotonic() - silence
        self.state = "silent"
        while not handle.kill(_LOOK) and not self._ended.is_set():
            pass
        return f"it gave no sign of life for {silence:.1f} s and was killed"

    def _is_final(self) -> bool:
        """Whether the last worker reported why it failed, so that a restart would not help."""
        last = self.handle.last
        if isinstance(last, Failed):
            self._give_up(last.message)
        return isinstance(last, Failed)

    def _give_up(self, why: str) -> None:
        self.why = why  # before the state: a reader of the state finds the reason
        self._absent_since = self._absent_since or time.monotonic()
        self.state = "gone"


def _too_often(restarts: int, why: str) -> str:
    return (
        f"the learner was lost {restarts + 1} times and started again {restarts} times, which is "
        f"as often as a run allows; the last time {why}. See its last words above, the memory "
        "that is free (a lower learner.replay_capacity needs less), and dmesg for processes that "
        "the kernel killed. The policy saved last, if any, is in the run directory."
    )
