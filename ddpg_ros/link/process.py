"""The learner's process, as the agent sees it: transitions in, weights out, never a wait.

Only `wait_for` waits, and only lock-step training asks it to.
"""

import math
import multiprocessing
import os
import select
import signal
import sys
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

from ddpg_ros.config import Config
from ddpg_ros.control.mlp import weight_count
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import LearnerDiedError
from ddpg_ros.link.bell import Bell
from ddpg_ros.link.counter import Counter
from ddpg_ros.link.make_way import make_way
from ddpg_ros.link.protocol import EpisodeEnd, Failed, LearnerEnd, Stop, Stopped
from ddpg_ros.link.ring import Ring
from ddpg_ros.link.slot import Slot
from ddpg_ros.types import Episode, Experience, RecordLayout, Vector32

RING_CAPACITY = 4096  # [transitions]; at 1 kHz four seconds of a learner that hangs
START_TIMEOUT = 120.0  # [s]; the first import of torch on a cold disk
WAIT_TIMEOUT = 120.0  # [s] for the updates of one transition; the first may be compiling
_POLL = 0.01  # [s] between looks whether the learner lives
_WORD_POLL = 0.02  # [s]


class LearnerProcess:
    """Starts the learner, feeds it and reads from it."""

    def __init__(self, config: Config, about: PolicyAbout, run_dir: Path) -> None:
        """Start the process; it is ready when `wait_until_ready` returns."""
        context = multiprocessing.get_context("spawn")
        layout = RecordLayout(about.sizes[0], about.sizes[-1])
        self._layout = layout
        self._ring = Ring(RING_CAPACITY, layout.width)
        self._slot = Slot(weight_count(about.sizes))
        self._progress = Counter()
        self._work, self._done = Bell(context), Bell(context)
        self._connection, theirs = context.Pipe()
        self._version = 0
        self._start_deadline = time.monotonic() + START_TIMEOUT
        self.cancelled = False
        """Set by a signal handler: no wait lasts any longer."""
        end = LearnerEnd(
            config,
            layout,
            about,
            run_dir,
            os.getpid(),
            self._ring,
            self._slot,
            self._progress,
            self._work,
            self._done,
            theirs,
        )
        self._process = context.Process(target=_learn, args=(end,), name="learner", daemon=True)
        with _no_main_module(), _no_interrupt():
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """Process id of the learner."""
        return self._process.pid

    @property
    def dropped(self) -> int:
        """Transitions dropped because the learner could not keep up."""
        return self._ring.dropped

    @property
    def updates(self) -> int:
        """Updates done, as far as they have been published."""
        return max(0, self._slot.version - 1)

    def wait_until_ready(self) -> None:
        """Wait until the first weights are there.

        Raises:
            LearnerDiedError: it ended instead, or took longer than `START_TIMEOUT`.
        """
        while not self.ready and not self.cancelled:
            time.sleep(0.01)

    @property
    def ready(self) -> bool:
        """Whether the first weights are there; raises as `wait_until_ready`."""
        if self._slot.version == 0:
            self._check(self._start_deadline, START_TIMEOUT)
        return self._slot.version > 0

    def push(self, experience: Experience) -> None:
        """Hand over one piece of experience; dropped and counted where the ring is full."""
        self._ring.push(self._layout.pack(experience))
        self._work.ring()

    def end_episode(self, step: int, episode: Episode) -> None:
        """Hand over a finished episode, for the log."""
        self._send(EpisodeEnd(step, episode))

    def newer_weights(self) -> Vector32 | None:
        """Return the newest weights, flat, or None where they are the ones returned last."""
        if self._slot.version == self._version:
            return None
        newest = self._slot.read()
        if newest is None:
            return None
        self._version, weights = newest
        return weights

    def wait_for(self, step: int) -> None:
        """Wait until the updates that the first `step` transitions allow are done.

        Raises:
            LearnerDiedError: the learner ended, or hangs.
        """
        if self._progress.value >= step:
            return
        deadline = time.monotonic() + WAIT_TIMEOUT
        polls = 0
        while self._progress.value < step and not self.cancelled:
            self._done.wait(_POLL)
            polls += 1
            if polls % 5 == 0:
                self._check(deadline, WAIT_TIMEOUT)

    def check(self) -> None:
        """Look whether the learner is still there; cheap enough for ten times a second.

        Raises:
            LearnerDiedError: the learner ended.
        """
        if not self.cancelled:  # then it is ending, and may be gone before us
            self._check(math.inf, math.inf)

    def stop(self, timeout: float, hurried: float) -> Stopped | None:
        """Ask the learner to save and end; kill it where it does not.

        Args:
            timeout: how long to wait for it [s].
            hurried: how long to wait from the moment at which `cancelled` is set [s].

        Returns:
            Its last word, or None where it had none in time. One that has not given its first
            weights yet has nothing to save and is not waited for.
        """
        self._send(Stop())
        deadline = time.monotonic() + (timeout if self._slot.version else 0.0)
        while not self._has_word() and time.monotonic() < deadline:
            if self.cancelled:
                deadline = min(deadline, time.monotonic() + hurried)
        last = self._last_word()
        self._process.join(0.1 if last else 0.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        return last if isinstance(last, Stopped) else None

    def _send(self, message: EpisodeEnd | Stop) -> None:
        """Send, unless the learner has long not read: a full pipe would block the control loop."""
        try:
            if select.select([], [self._connection], [], 0.0)[1]:
                self._connection.send(message)
                self._work.ring()
        except OSError:  # a dead learner is noticed where it matters: in _check
            return

    def _check(self, deadline: float, limit: float) -> None:
        """Raise where the learner is gone or the deadline has passed."""
        if not self._process.is_alive():
            last = self._last_word()
            reason = last.message if isinstance(last, Failed) else ""
            raise LearnerDiedError(
                reason
                or f"the learner ended unasked, with exit code {self._process.exitcode}; "
                "its last words are above. The policy saved last, if any, is in the run directory."
            )
        if time.monotonic() > deadline:
            raise LearnerDiedError(
                "the learner does not answer; it was expected within "
                f"{limit:g} s. See its last words above, and the load of the machine."
            )

    def _has_word(self) -> bool:
        try:
            return self._connection.poll(_WORD_POLL)
        except OSError:
            return True  # the end of the pipe is a word, too

    def _last_word(self) -> Stopped | Failed | None:
        try:
            if self._connection.poll():
                word: Stopped | Failed = self._connection.recv()
                return word
        except (EOFError, OSError):
            pass
        return None


def _learn(end: LearnerEnd) -> None:
    make_way(end.config)  # before torch counts the cores
    from ddpg_ros.link.learner_main import run  # the only import of torch: in the child

    run(end)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Put signals off; the child inherits that, so that it does not die of them as it imports."""
    resource_tracker.ensure_running()  # its start, inside that of the process, would undo it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide `__main__`: spawn would import it again, and with it rclpy, into the learner."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
