"""Watches over a learner that may die: notices it, and starts the next from its checkpoint.

All of it in a thread of its own: the control loop neither waits for a process to start nor for
one to end, and reads plain attributes.
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
"""Pauses before each new start [s]; as many starts as there are pauses, in a whole run."""

_LOOK = 0.05  # [s] between looks; a death wakes us at once
_END_TIMEOUT = 2.0  # [s] for the thread to end; it may be starting a process


class FailFastSupervisor:
    """A learner that nobody revives; the same calls as `RestartingSupervisor`, for one thread."""

    absent = False
    restarts = 0

    def __init__(self, begin: Callable[[bool], WorkerHandle], mailbox: WeightMailbox) -> None:
        """Begin it.

        Args:
            begin: starts a process; told whether it is a later one.
            mailbox: where weights come.
        """
        self._mailbox = mailbox
        self.handle = begin(False)
        self.cancelled = False

    @property
    def state(self) -> State:
        """How it is."""
        alive = self.handle.alive  # before its words: it ends after the last one
        self.handle.receive()
        if not alive:
            return "gone"
        return "learning" if self._mailbox.version else "starting"

    @property
    def why(self) -> str:
        """Where `state` is gone: why, in a sentence."""
        if isinstance(self.handle.last, Failed):
            return self.handle.last.message
        return (
            f"the learner ended unasked, with {self.handle.ending}; its last words are above. The "
            "policy saved last, if any, is in the run directory."
        )

    def absent_for(self, now: float) -> float:
        """Return 0.0: without it nothing goes on."""
        return 0.0

    def end(self) -> None:
        """Do nothing."""


class RestartingSupervisor:
    """Goes from life to life of a learner, until it is told to end or too many were lost.

    A learner that says why it failed (`Failed`: a setting, or divergence) is not revived; it would
    fail again.
    """

    def __init__(
        self,
        begin: Callable[[bool], WorkerHandle],
        heartbeat: Heartbeat,
        mailbox: WeightMailbox,
        start_timeout: float,
        back_off: Sequence[float] = BACK_OFF,
    ) -> None:
        """Begin the first life, on this thread, and watch it on another.

        Args:
            begin: starts a process; told whether it is a later one.
            heartbeat: where signs of life come.
            mailbox: where weights come: a life is well with the first that it gives.
            start_timeout: how long a life may take to its first sign [s].
            back_off: see `BACK_OFF`.
        """
        self._begin, self._heartbeat, self._mailbox = begin, heartbeat, mailbox
        self._start_timeout = start_timeout
        self._back_off = back_off
        self._ended = threading.Event()
        self.state: State = "starting"
        self.restarts = 0
        self.why = ""
        """Where `state` is gone: why, in a sentence."""
        self.cancelled = False
        """Set by a signal handler: nobody is revived any more."""
        self._absent_since: float | None = None
        self._start(revived=False)
        self._thread = threading.Thread(target=self._run, name="learner's watch", daemon=True)
        self._thread.start()

    @property
    def absent(self) -> bool:
        """Whether there was a learner, and is none at present."""
        return self._absent_since is not None

    def absent_for(self, now: float) -> float:
        """Return how long that has been so at `now` [s] of the monotonic clock; 0.0: it is not."""
        since = self._absent_since
        return 0.0 if since is None else max(0.0, now - since)

    def end(self) -> None:
        """Watch no longer; the present life, if any, is the caller's from here on."""
        self._ended.set()
        self._thread.join(_END_TIMEOUT)
        self.why = self.why or "the learner was stopped."
        self.state = "gone"

    def _run(self) -> None:
        try:
            self._go_from_life_to_life()
        except BaseException:
            self._give_up("the watch over the learner failed; its traceback is above.")
            raise

    def _go_from_life_to_life(self) -> None:
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
        """Watch a life; return how it was lost, or nothing where it is time to end."""
        handle = self.handle
        while not self._ended.is_set():
            handle.wait(_LOOK)
            if not handle.alive:
                handle.receive()  # what it said between our look and its end
                self._absent_since = self._absent_since or time.monotonic()
                return f"it ended unasked, with {handle.ending}"
            if self._monitor.look():
                return self._kill(handle)
            if self._mailbox.version > self._version and self.state != "learning":
                self._absent_since = None
                self.state = "learning"
        return ""

    def _kill(self, handle: WorkerHandle) -> str:
        """End one that hangs; two at once would write the same memory, so until it is gone."""
        silence = self._monitor.silence
        self._absent_since = self._absent_since or time.monotonic() - silence
        self.state = "silent"
        while not handle.kill(_LOOK) and not self._ended.is_set():
            pass
        return f"it gave no sign of life for {silence:.1f} s and was killed"

    def _is_final(self) -> bool:
        """Whether the last one said why it failed; then there is no use in another."""
        last = self.handle.last
        if isinstance(last, Failed):
            self._give_up(last.message)
        return isinstance(last, Failed)

    def _give_up(self, why: str) -> None:
        self.why = why  # before the state: who sees that it is gone finds the reason
        self._absent_since = self._absent_since or time.monotonic()
        self.state = "gone"


def _too_often(restarts: int, why: str) -> str:
    return (
        f"the learner was lost {restarts + 1} times and started again {restarts} times, which is "
        f"as often as a run allows; the last time {why}. See its last words above, the memory "
        "that is free (a lower learner.replay_capacity needs less), and dmesg for processes that "
        "the kernel killed. The policy saved last, if any, is in the run directory."
    )
