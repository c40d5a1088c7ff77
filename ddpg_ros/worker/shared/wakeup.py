"""A bell between two processes: one sleeps until the other rings, and ringing never waits."""

from multiprocessing.context import SpawnContext


class Wakeup:
    """A semaphore of which any number of rings wakes the sleeper once.

    A process that polls instead wakes thousands of times a second, on cores that the control loop
    and the simulator need.
    """

    def __init__(self, context: SpawnContext) -> None:
        """Make a bell that a process of this context may be given."""
        self._semaphore = context.Semaphore(0)

    def ring(self) -> None:
        """Wake the other, now or at its next `wait`; takes a microsecond, or five to wake it."""
        self._semaphore.release()

    def wait(self, timeout: float) -> None:
        """Sleep until the other has rung since the last `wait`, at most `timeout` [s]."""
        if self._semaphore.acquire(timeout=timeout):
            while self._semaphore.acquire(block=False):
                pass
