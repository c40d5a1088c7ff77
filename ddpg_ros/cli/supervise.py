"""Starts the nodes of a plan as processes and stops them all, however the run ends."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import FrameType, TracebackType
from typing import Literal, Protocol, overload

from ddpg_ros.errors import MachineError
from ddpg_ros.files.folder_lock import shared_with_children
from ddpg_ros.training.interruption import SAME_SIGNAL_S

AGENT_GRACE_S = 2.0  # zero torque, stop the learner, save: the agent's own limit
OTHERS_GRACE_S = 1.0
REMAINS_GRACE_S = 0.5  # for children of a node that has ended, such as its resource tracker
_PATIENCE = 2  # signals after the first, each `SAME_SIGNAL_S` apart, that kill every node
_PERIOD_S = 0.02
_PR_SET_PDEATHSIG = 1
_TAIL_LINES = 15


class Startable(Protocol):
    """A process to start."""

    @property
    def name(self) -> str:
        """Its name, for messages and its log file."""

    @property
    def essential(self) -> bool:
        """Whether the run ends if this process ends before the main one."""

    def command(self) -> list[str]:
        """Return the command that runs it."""


class Plan(Protocol):
    """The processes of a run; `ddpg_ros.cli.plan.RunPlan` is one."""

    @property
    def nodes(self) -> Sequence[Startable]:
        """The processes in starting order."""

    @property
    def main(self) -> str:
        """Name of the process that ends the run when it ends; the supervisor stops it first."""

    @property
    def log_dir(self) -> Path | None:
        """The folder in which each process writes `NAME.log`; None: the terminal."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended; `message` is for the user and empty if the run finished."""

    kind: Literal["finished", "failed", "interrupted"]
    code: int  # exit status for the command line
    message: str = ""


class Supervisor:
    """Runs a plan inside a `with` block.

    Each node gets its own session, so that a terminal's Ctrl-C reaches the supervisor alone. The
    supervisor then stops the main node first, while the others still answer it. The third Ctrl-C,
    each at least half a second after the one before, kills every node.
    """

    def __init__(
        self, plan: Plan, others_grace_s: float = OTHERS_GRACE_S, held: Path | None = None
    ) -> None:
        """Prepare to run a plan; nothing starts before the `with` block is entered.

        Args:
            plan: what to start.
            others_grace_s: how long the other nodes may run after the main one has ended [s];
                after a signal, at most `OTHERS_GRACE_S`.
            held: a folder whose lock this process holds, and shares with the nodes.
        """
        self._plan = plan
        self._others_grace_s = others_grace_s
        self._shared = shared_with_children(held)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._signals: list[tuple[int, float]] = []  # number, time [s]
        self._handlers: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> "Supervisor":
        """Start the nodes.

        Raises:
            MachineError: a process cannot be started.
        """
        try:
            self._catch_signals()
            if self._plan.log_dir is not None:
                self._plan.log_dir.mkdir(parents=True, exist_ok=True)
            for node in self._plan.nodes:
                self._processes[node.name] = self._start(node)
        except BaseException as error:
            self._close()
            if isinstance(error, OSError):
                raise MachineError(f"a node cannot be started: {error}.") from error
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the nodes that still run."""
        self._close()

    def poll(self) -> Outcome | None:
        """Return how the run ended, or None while it goes on, without blocking."""
        if self._signals:
            return self._interrupted()
        main = self._plan.main
        code = self._processes[main].poll()
        if code == 0:
            return Outcome("finished", 0)
        if code is not None:
            return self._failed(main, code)
        for node in self._plan.nodes:
            code = self._processes[node.name].poll()
            if code is not None and node.essential:
                return self._failed(node.name, code)
        return None

    @overload
    def wait(self) -> Outcome: ...
    @overload
    def wait(self, timeout_s: float | None) -> Outcome | None: ...

    def wait(self, timeout_s: float | None = None) -> Outcome | None:
        """Wait until the run ends; returns None if it still goes on after `timeout_s`."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (outcome := self.poll()) is None:
            if deadline is not None and time.monotonic() >= deadline:
                return None
            time.sleep(_PERIOD_S)
        return outcome

    def stop(self) -> None:
        """Stop the nodes in order and kill those that remain; returns when none is left."""
        main = self._plan.main
        others = [name for name in self._processes if name != main]
        others_s = OTHERS_GRACE_S if self._signals else self._others_grace_s
        for names, grace_s in (([main], AGENT_GRACE_S), (others, others_s)):
            running = [self._processes[name] for name in names if self._runs(name)]
            for process in running:
                process.terminate()  # one that still imports would answer SIGINT by a traceback
            self._await(partial(_ended, running), grace_s)
        for name in filter(self._runs, self._processes):
            self._kill_group(name)
        self._await(lambda: not any(map(self._has_group, self._processes)), REMAINS_GRACE_S)
        for name, process in self._processes.items():
            self._kill_group(name)
            process.wait()

    def log_file(self, name: str) -> Path | None:
        """Return the path of a node's log file; None: it writes to the terminal."""
        folder = self._plan.log_dir
        return None if folder is None else folder / f"{name}.log"

    def _start(self, node: Startable) -> subprocess.Popen[bytes]:
        environment = os.environ | self._shared.environment | {"PYTHONUNBUFFERED": "1"}
        with ExitStack() as opened:
            file = self.log_file(node.name)
            log = None if file is None else opened.enter_context(file.open("wb"))
            return subprocess.Popen(
                node.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
                env=environment,
                pass_fds=self._shared.numbers,
                start_new_session=True,
                preexec_fn=_die_with_parent(os.getpid()),
            )

    def _close(self) -> None:
        try:
            self.stop()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers.clear()

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.getsignal(number)
            if number == signal.SIGHUP and before == signal.SIG_IGN:
                continue  # nohup
            self._handlers[number] = before
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self._signals.append((number, time.monotonic()))

    def _is_impatient(self) -> bool:
        times = [when for _, when in self._signals]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        return sum(gap > SAME_SIGNAL_S for gap in gaps) >= _PATIENCE

    def _interrupted(self) -> Outcome:
        number, _ = self._signals[0]
        message = f"stopped by {signal.Signals(number).name}."
        return Outcome("interrupted", 128 + number, message)

    def _failed(self, name: str, code: int) -> Outcome:
        how = f"exit code {code}" if code >= 0 else f"signal {_name(-code)}"
        first = f"the {name} ended with {how}"
        if name != self._plan.main:
            first += f" while the {self._plan.main} still ran"
        file = self.log_file(name)
        if file is None:
            return Outcome("failed", code if code > 0 else 1, f"{first}.")
        lines = file.read_text(errors="replace").rstrip().splitlines()
        tail = "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:]) or "  (nothing)"
        message = f"{first}. The end of its log:\n{tail}"
        return Outcome("failed", code if code > 0 else 1, message)

    def _runs(self, name: str) -> bool:
        return name in self._processes and self._processes[name].poll() is None

    def _has_group(self, name: str) -> bool:
        group = self._processes[name].pid
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        return not sys.platform.startswith("linux") or _has_living(group)

    def _kill_group(self, name: str) -> None:
        # The node leads the group, so the kernel reuses its number only when the group is empty.
        if self._has_group(name):
            os.killpg(self._processes[name].pid, signal.SIGKILL)

    def _await(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline and not self._is_impatient():
            time.sleep(_PERIOD_S)


def _name(number: int) -> str:
    """Return a signal's name, or its number: most real-time signals have no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _ended(processes: Sequence[subprocess.Popen[bytes]]) -> bool:
    return all(process.poll() is not None for process in processes)


def _has_living(group: int) -> bool:
    """Return whether a group has a living process, as some containers never reap zombies."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group, *_ = stat.read_text().rpartition(")")[2].split()
        except OSError:  # the process has just ended
            continue
        if int(its_group) == group and state != "Z":
            return True
    return False


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    """Return a `preexec_fn` by which Linux sends SIGTERM to the child when this process dies.

    A supervisor that is killed with SIGKILL cannot stop its nodes itself. `preexec_fn` runs
    between fork and exec, so it is safe only without other threads: the supervisor must start its
    nodes before any thread such as the progress bar's. The library is loaded before the fork.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def request_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent died before the request
            os._exit(1)

    return request_signal
