"""The watchdog's thread: it looks at the clock while the control loop waits for a state."""

import threading
import time
from collections.abc import Callable

from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.types import Vector

_LONGEST, _SHORTEST = 0.005, 0.001  # [s] between looks
_PATIENCE = 1.0  # [s] for the thread to end


class Watchdog:
    """Sends the torques that `Safety.watch` finds due, from a thread of its own, until `stop`."""

    def __init__(self, safety: Safety, period: float, send: Callable[[Vector], None]) -> None:
        """Start looking, at least twice a control period [s].

        Args:
            safety: whose clock it watches.
            period: the control period [s].
            send: publishes a torque, (n,) [N·m]; called from this thread.
        """
        self._safety = safety
        self._send = send
        self._every = max(_SHORTEST, min(0.5 * period, _LONGEST))
        self._stopping = threading.Event()
        self.problem: BaseException | None = None
        """The exception that ended the thread, if one did."""
        self._thread = threading.Thread(target=self._look, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; nothing is sent from it any more."""
        self._stopping.set()
        self._thread.join(_PATIENCE)

    def _look(self) -> None:
        try:
            while not self._stopping.wait(self._every):
                torque = self._safety.watch(time.monotonic())
                if torque is not None:
                    self._send(torque)
        except BaseException as problem:  # a mistake of ours: the node ends with it
            self.problem = problem
            self._safety.fault(f"the watchdog failed: {problem!r}")
