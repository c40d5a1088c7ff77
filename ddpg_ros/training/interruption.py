"""Ctrl-C and SIGTERM in a run without ROS: the first ends the run in order, a second at once."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

SAME_SIGNAL_S = 0.5
"""make, timeout and others repeat a signal; within this time [s] it counts as the same."""


class Interruption:
    """Records SIGINT or SIGTERM while its `with` block runs; `signal` is the number, or 0.

    A second signal raises KeyboardInterrupt, unless it follows at once: then another program has
    repeated the first.
    """

    def __init__(self, on_signal: Callable[[], None] = lambda: None) -> None:
        """Take what to call in the handler of the first signal; it must not block."""
        self.signal = 0
        self._received_at = 0.0
        self._on_signal = on_signal
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        """Begin to record signals; Python lets only the main thread do that."""
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal_received)
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal_received(self, number: int, _: FrameType | None) -> None:
        if self.signal:
            if time.monotonic() - self._received_at > SAME_SIGNAL_S:
                raise KeyboardInterrupt
            return
        self.signal, self._received_at = number, time.monotonic()
        self._on_signal()
