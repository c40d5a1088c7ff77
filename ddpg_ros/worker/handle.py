"""One worker process from its start to its end, and the messages to and from it."""

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
"""What the worker's process runs."""


class WorkerHandle:
    """A worker's process."""

    def __init__(
        self, make_endpoint: Callable[[Connection], WorkerEndpoint], target: Target
    ) -> None:
        """Start the process, which takes some milliseconds.

        Args:
            make_endpoint: makes what the process is given, from its end of the pipe.
            target: what it runs.
        """
        self._connection, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=target, args=(make_endpoint(theirs),), daemon=True)
        self._process.name = "learner"
        self._closed = False
        with _no_main_module(), _no_interrupt():
            self._process.start()
        theirs.close()
        self.last: Stopped | Failed | None = None
        """Its last message, once received."""
        self.saved: Saved | None = None
        """Its newest answer to a `Save`."""

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.is_alive()

    @property
    def ending(self) -> str:
        """The exit code, and what it means, for a sentence."""
        code = self._process.exitcode
        if code == -signal.SIGKILL:
            return f"exit code {code} (killed: by the kernel, if memory ran out, or by hand)"
        return f"exit code {code}"

    def send(self, message: EpisodeFinished | Save | Stop) -> bool:
        """Send a message without waiting.

        Returns:
            False if it was not sent: the process has ended, or the pipe is full because the
            process has not read it for long.
        """
        try:
            if select.select([], [self._connection], [], 0.0)[1]:
                self._connection.send(message)
                return True
        except OSError:
            pass
        return False

    def receive(self) -> None:
        """Read the messages that have arrived; one thread at a time may call this."""
        try:
            while not self._closed and self._connection.poll():
                message: Stopped | Failed | Saved = self._connection.recv()
                if isinstance(message, Saved):
                    self.saved = message
                else:
                    self.last = message
        except (EOFError, OSError):  # the process has closed its end
            self._closed = True

    def wait(self, timeout: float) -> None:
        """Sleep until a message or the process's end, at most `timeout` [s]; then `receive`."""
        wanted: list[Connection | int] = [self._process.sentinel]
        if not self._closed:
            wanted.append(self._connection)
        connection.wait(wanted, timeout)
        self.receive()

    def join(self, timeout: float) -> bool:
        """Wait for the end of the process, at most `timeout` [s]; return whether it has ended."""
        self._process.join(timeout)
        return not self._process.is_alive()

    def kill(self, timeout: float) -> bool:
        """Kill the process, also if it is stopped; return whether it ends within `timeout` [s]."""
        self._process.kill()
        return self.join(timeout)


class SaveRequest:
    """A request to save, and its answer once there is one."""

    def __init__(self, handle: WorkerHandle, number: int, asked: bool, receives: bool) -> None:
        """Record the request.

        Args:
            handle: the worker that was asked.
            number: of the request.
            asked: whether the request was sent.
            receives: whether `answer` must read the worker's messages; a supervisor's thread
                does that in real time.
        """
        self._handle, self._number, self._asked, self._receives = handle, number, asked, receives

    @property
    def answer(self) -> Saved | None:
        """The answer, or None until it comes; only an answer without an error is a success."""
        if not self._asked:
            return Saved(self._number, "there is no learner at present")
        alive = self._handle.alive  # before its messages, which it sends before it ends
        if self._receives:
            self._handle.receive()
        saved = self._handle.saved
        if saved is not None and saved.number >= self._number:
            return saved
        return None if alive else Saved(self._number, "the learner ended before it had saved")


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Block signals; the child inherits that, so that none ends it while it still imports."""
    resource_tracker.ensure_running()  # the process would start it otherwise, which unblocks them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide `__main__`: spawn would import it again in the worker, and rclpy with it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
