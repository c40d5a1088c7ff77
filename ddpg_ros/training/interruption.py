"""Ctrl-C and SIGTERM during a run without ROS: the first ends it in order, a second interrupts."""

import signal
import threading
import time
from types import FrameType
from typing import Any

from ddpg_ros.training.learning import Training

SAME_SIGNAL_S = 0.5
"""make, timeout and others hand on a signal that came already; within this [s] it is the same."""


class Interruption:
    """Which of SIGINT and SIGTERM has come, or 0; in a `with` block.

    A second one interrupts, unless it follows at once: then it is the same, handed on.
    """

    def __init__(self, training: Training | None = None) -> None:
        """Take the training whose waits a signal ends."""
        self.signal = 0
        self._heard_at = 0.0
        self._training = training
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        """Listen; Python lets no thread but the main one do that."""
        if threading.current_thread() is not threading.main_thread():
            return self
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
        if self._training is not None:
            self._training.cancel()
