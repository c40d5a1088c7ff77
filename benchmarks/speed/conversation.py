"""Measuring a learner in a process of its own, in turn with others.

The process prints one line of JSON once it is ready. To each line that it gets,
`UPDATES_A_CALL SECONDS`, it answers one line of JSON, `{"updates_per_s": …}`. In between it
sleeps, so that nothing runs beside the one that is measured.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from benchmarks.speed.results import usable_cores
from ddpg_ros.errors import MachineError

_SETTLE = 0.2  # [s] until the threads of the one before have gone to sleep
_PATIENCE = 10.0  # [s] for a process to end
_SHOWN_LINES = 5  # of what a process that failed had to say


class Conversation:
    """One measured process; a context manager that ends it."""

    def __init__(self, command: list[str]) -> None:
        """Start it, and wait until it is ready.

        Raises:
            MachineError: it ended before; the message holds its last words.
        """
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self.about: dict[str, Any] = self._hear()
        except BaseException:
            self.close()
            raise

    def measure(self, updates: int, seconds: float) -> float:
        """Return updates/s, measured over `seconds` [s] of `updates` a call.

        Raises:
            MachineError: the process ended; the message holds its last words.
        """
        time.sleep(_SETTLE)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{updates} {seconds}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # `_hear` says why
        return float(self._hear()["updates_per_s"])

    def close(self) -> None:
        """End the process, by the end of its stdin."""
        try:
            self._process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.close()

    def __enter__(self) -> "Conversation":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            words = " / ".join(self._errors.read().strip().splitlines()[-_SHOWN_LINES:])
            raise MachineError(f"it ended with code {self._process.returncode}: {words}")
        document: dict[str, Any] = json.loads(line)
        return document


def keep_to(threads: int, device: str) -> None:
    """Pin this process to as many cores as it may use threads.

    On a GPU to two at least: torch launches a backward pass from a thread of its own.
    """
    cores = threads if device == "cpu" else max(2, threads)
    os.sched_setaffinity(0, usable_cores()[:cores])


def answer(
    about: dict[str, Any], call: Callable[[int], object], finish: Callable[[], object]
) -> None:
    """Be the measured process: say that all is ready, and answer until stdin ends.

    Args:
        about: what to say once ready.
        call: does so many updates.
        finish: waits until the device has done them.
    """
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        updates, seconds = line.split()
        rate = updates_per_s(call, finish, int(updates), float(seconds))
        print(json.dumps({"updates_per_s": rate}), flush=True)


def updates_per_s(
    call: Callable[[int], object], finish: Callable[[], object], updates: int, seconds: float
) -> float:
    """Call for about `seconds` [s], after one call to get warm."""
    call(updates)
    finish()
    done, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        call(updates)
        done += updates
    finish()
    return done / (time.perf_counter() - began)
