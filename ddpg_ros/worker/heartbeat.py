"""The worker's heartbeat: its loop beats, the control loop's process monitors.

The loop itself beats, not a second thread, which would go on if the loop hung. Before the loop
does something that takes long, it announces for how long it may be silent.
"""

import time
from collections.abc import Callable

from ddpg_ros.worker.shared.memory import Counter

HEARTBEAT_TIMEOUT = (
    2.0  # [s]; a turn of the loop takes 20 ms, or some hundreds on a loaded machine
)
_MILLISECONDS = 1000
_LONGEST_LOOK = 0.5  # [s] counted between two looks; see `HeartbeatMonitor`
_COMPILING = 10.0  # [s]; a second thread loads torch's compiler and holds the interpreter's lock
_FIRST_UPDATE = 60.0  # [s]; CUDA loads its libraries and captures its graph
_SLOWER = 10.0  # an update this many times as slow as the last one is no hang yet


class Heartbeat:
    """Signs of life and of progress in shared memory; one process writes, any reads.

    The memory outlives the worker, so that its successor goes on with it.
    """

    def __init__(self) -> None:
        """Begin without a beat."""
        self._beat = Counter()  # when [ns], on the monotonic clock that all processes share
        self._allowance = Counter()  # [ms]
        self._updates, self._replay_fill = Counter(), Counter()
        self._waits_for_compiler = Counter()  # 0 or 1

    def beat(self, allowance: float = HEARTBEAT_TIMEOUT) -> None:
        """Beat.

        Args:
            allowance: how long until the next beat [s], at most.
        """
        milliseconds = int(allowance * _MILLISECONDS)
        if milliseconds > self._allowance.value:  # extend it before the beat that needs it
            self._allowance.value = milliseconds
        self._beat.value = time.monotonic_ns()
        self._allowance.value = milliseconds  # shorten it after the beat

    @property
    def last(self) -> int:
        """Time of the last beat [ns]; it differs between beats."""
        return self._beat.value

    @property
    def age(self) -> float:
        """Time since the last beat [s]."""
        return (time.monotonic_ns() - self._beat.value) * 1e-9

    @property
    def allowance(self) -> float:
        """How long the worker may be silent [s]."""
        return self._allowance.value / _MILLISECONDS

    @property
    def waits_for_compiler(self) -> bool:
        """Whether the worker does nothing but wait for the compiled update."""
        return bool(self._waits_for_compiler.value)

    @waits_for_compiler.setter
    def waits_for_compiler(self, waits: bool) -> None:
        self._waits_for_compiler.value = int(waits)

    def show(self, updates: int, replay_fill: int) -> None:
        """Publish how far the learning is."""
        self._updates.value, self._replay_fill.value = updates, replay_fill

    @property
    def updates(self) -> int:
        """Updates done; after a restart they go on from the checkpoint's."""
        return self._updates.value

    @property
    def replay_fill(self) -> int:
        """Transitions in replay."""
        return self._replay_fill.value


class HeartbeatMonitor:
    """Detects a worker that is silent for too long.

    The time between two looks counts up to a limit only: if this process was stopped, or the
    machine paused, the worker had no time to beat either.
    """

    def __init__(self, heartbeat: Heartbeat, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to monitor.

        Args:
            heartbeat: of the worker.
            clock: [s], monotonic.
        """
        self._heartbeat, self._clock = heartbeat, clock
        self._looked_at = clock()
        self._last = heartbeat.last
        self.silence = 0.0
        """How long the worker has been silent while this process ran [s]."""

    def look(self) -> bool:
        """Look, several times a second; return whether the worker is silent for too long."""
        now = self._clock()
        allowance = self._heartbeat.allowance  # read before the beat, in the order of writing
        last = self._heartbeat.last
        if last != self._last:
            self.silence = 0.0
        else:
            self.silence += min(now - self._looked_at, _LONGEST_LOOK)
        self._last, self._looked_at = last, now
        return self.silence > allowance


class Deadline:
    """When a worker that is waited for has not answered for too long.

    While it waits for the compiled update, which a loaded machine may take minutes for, each of
    its beats counts as an answer.
    """

    def __init__(
        self, heartbeat: Heartbeat, limit: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin to wait.

        Args:
            heartbeat: of the worker.
            limit: how long to wait for an answer [s].
            clock: [s], monotonic.
        """
        self._heartbeat, self._clock = heartbeat, clock
        self.limit = limit
        """How long to wait for an answer [s]."""
        self._last, self._due = heartbeat.last, clock() + limit

    @property
    def has_passed(self) -> bool:
        """Whether it has; to be looked at more often than the worker beats is not needed."""
        last, now = self._heartbeat.last, self._clock()
        if self._heartbeat.waits_for_compiler and last != self._last:
            self._due = now + self.limit
        self._last = last
        return now > self._due


class UpdateTimer:
    """Measures how long updates take, so that slow updates do not look like a hang."""

    def __init__(self) -> None:
        """Begin without a measurement."""
        self._seconds: float | None = None  # of one update
        self._compiling = False  # when that was measured

    def turn(self, compiling: bool) -> float:
        """Return the allowance for a turn of the loop without updates [s]."""
        return _COMPILING if compiling else HEARTBEAT_TIMEOUT

    def updates(self, count: int, compiling: bool) -> float:
        """Return the allowance for `count` updates [s]; the first of a kind may take long."""
        if self._seconds is None or compiling != self._compiling:
            return _FIRST_UPDATE
        return max(self.turn(compiling), _SLOWER * count * self._seconds)

    def took(self, count: int, seconds: float, compiling: bool) -> None:
        """Record how long updates took [s]."""
        self._seconds, self._compiling = seconds / count, compiling
