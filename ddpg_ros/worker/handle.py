"""One life of the learner: a process from its start to its end, and what the two say meanwhile."""

import multiprocessing
import select
import signal
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext

from ddpg_ros.worker.messages import (
    EpisodeFinished,
    Failed,
    Save,
    Saved,
    Stop,
    Stopped,
    WorkerEndpoint,
)

SPAWN: SpawnContext = multiprocessing.get_context("spawn")
Target = Callable[[WorkerEndpoint], None]
"""What the learner's process runs."""


class WorkerHandle:
    """A learner's process: it may be asked, heard, waited for and killed."""

    def __init__(self, end: Callable[[Connection], WorkerEndpoint], target: Target) -> None:
        """Start it. Takes some milliseconds.

        Args:
            end: makes what the process is given, out of its end of the conversation.
            target: what it runs.
        """
        self._connection, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=target, args=(end(theirs),), daemon=True)
        self._process.name = "learner"
        self._closed = False
        with _no_main_module(), _no_interrupt():
            self._process.start()
        theirs.close()
        self.last: Stopped | Failed | None = None
        """Its last word, once it was heard."""
        self.saved: Saved | None = None
        """Its newest answer to a `Save`."""

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    @property
    def ending(self) -> str:
        """How it ended, in some words."""
        code = self._process.exitcode
        if code == -signal.SIGKILL:
            return f"exit code {code} (killed: by the kernel, where memory ran out, or by hand)"
        return f"exit code {code}"

    def send(self, message: EpisodeFinished | Save | Stop) -> bool:
        """Say something without a wait; False where it did not go out.

        That is so where it has ended, or has long not listened: a full pipe would block us.
        """
        try:
            if select.select([], [self._connection], [], 0.0)[1]:
                self._connection.send(message)
                return True
        except OSError:
            pass
        return False

    def receive(self) -> None:
        """Take in what it has said; for one thread at a time."""
        try:
            while not self._closed and self._connection.poll():
                word: Stopped | Failed | Saved = self._connection.recv()
                if isinstance(word, Saved):
                    self.saved = word
                else:
                    self.last = word
        except (EOFError, OSError):  # its end of the pipe is closed: it said all
            self._closed = True

    def wait(self, timeout: float) -> None:
        """Sleep until it says something or ends, at most `timeout` [s]; then hear it."""
        wanted: list[Connection | int] = [self._process.sentinel]
        if not self._closed:
            wanted.append(self._connection)
        connection.wait(wanted, timeout)
        self.receive()

    def join(self, timeout: float) -> bool:
        """Wait for its end, at most `timeout` [s]; whether it has ended."""
        self._process.join(timeout)
        return not self._process.is_alive()

    def kill(self, timeout: float) -> bool:
        """End it, stopped or not; whether it is gone within `timeout` [s]."""
        self._process.kill()
        return self.join(timeout)


class SaveRequest:
    """A request to save, on its way."""

    def __init__(self, handle: WorkerHandle, number: int, asked: bool, receives: bool) -> None:
        """Take note of whom was asked what.

        Args:
            handle: which worker.
            number: of the request.
            asked: whether it could be told.
            receives: listen to it at each look, as nobody else does.
        """
        self._handle, self._number, self._asked, self._receives = handle, number, asked, receives

    @property
    def answer(self) -> Saved | None:
        """What came of it; None while it is not known. Only an answer without error is success."""
        if not self._asked:
            return Saved(self._number, "there is no learner at present")
        alive = self._handle.alive  # before its words: it ends after them
        if self._receives:
            self._handle.receive()
        saved = self._handle.saved
        if saved is not None and saved.number >= self._number:
            return saved
        return None if alive else Saved(self._number, "the learner ended before it had saved")


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
