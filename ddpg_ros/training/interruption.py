"""Ctrl-C and SIGTERM during a run without ROS: the first ends it in order, a second interrupts."""

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

SAME_SIGNAL_S = 0.5
"""make, timeout and others hand on a signal that came already; within this [s] it is the same."""


class Interruption:
    """Which of SIGINT and SIGTERM has come, or 0; in a `with` block.

    A second one interrupts, unless it follows at once: then it is the same, handed on.
    """

    def __init__(self, on_signal: Callable[[], None] = lambda: None) -> None:
        """Take what the first signal calls, inside its handler: it must not block."""
        self.signal = 0
        self._heard_at = 0.0
        self._on_signal = on_signal
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        """Listen."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the signals as they were."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, _: FrameType | None) -> None:
        if self.signal:
            if time.monotonic() - self._heard_at > SAME_SIGNAL_S:
                raise KeyboardInterrupt
            return
        self.signal, self._heard_at = number, time.monotonic()
        self._on_signal()
