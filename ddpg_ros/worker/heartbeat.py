"""Signs of life: the learner's main loop gives them, the agent listens.

They come from the loop itself and not from a thread beside it, which would go on where the loop
hangs. Before something long, the loop says for how long it may be silent.
"""

import time
from collections.abc import Callable

from ddpg_ros.worker.shared.memory import Counter

HEARTBEAT_TIMEOUT = 2.0  # [s]; a loop's turn takes 20 ms, and a loaded machine some hundreds
_MILLISECONDS = 1000
_LONGEST_LOOK = 0.5  # [s]; a listener that was away longer itself cannot tell who was silent
_COMPILING = 10.0  # [s]; a thread beside loads torch's compiler and shares the interpreter
_FIRST_UPDATE = 60.0  # [s]; CUDA loads its libraries and captures its graph
_SLOWER = 10.0  # times as slow as the last update is still no hang


class Heartbeat:
    """What a learner shows of itself while it works; survives it. One writes, any reads."""

    def __init__(self) -> None:
        """Begin without a sign of life."""
        self._beat = Counter()  # when [ns], on the monotonic clock that all processes share
        self._allowance = Counter()  # [ms]
        self._updates, self._replay_fill = Counter(), Counter()

    def beat(self, allowance: float = HEARTBEAT_TIMEOUT) -> None:
        """Give a sign of life.

        Args:
            allowance: how long until the next one [s], at most.
        """
        milliseconds = int(allowance * _MILLISECONDS)
        if milliseconds > self._allowance.value:  # more time is there before it is used,
            self._allowance.value = milliseconds
        self._beat.value = time.monotonic_ns()
        self._allowance.value = milliseconds  # and goes once it is not needed

    @property
    def last(self) -> int:
        """The last sign [ns]; a number of its own for each."""
        return self._beat.value

    @property
    def age(self) -> float:
        """Time since the last sign [s]."""
        return (time.monotonic_ns() - self._beat.value) * 1e-9

    @property
    def allowance(self) -> float:
        """How long it may be silent [s]."""
        return self._allowance.value / _MILLISECONDS

    def show(self, updates: int, replay_fill: int) -> None:
        """Show how far the learning is."""
        self._updates.value, self._replay_fill.value = updates, replay_fill

    @property
    def updates(self) -> int:
        """Updates done, those before a revival's checkpoint included."""
        return self._updates.value

    @property
    def replay_fill(self) -> int:
        """Transitions in replay."""
        return self._replay_fill.value


class HeartbeatMonitor:
    """Says when a pulse has been silent for too long.

    It counts its own looks, not the time between them: where this process itself was stopped, or
    the machine paused, the learner had no time to beat either.
    """

    def __init__(self, heartbeat: Heartbeat, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to listen.

        Args:
            heartbeat: whose.
            clock: [s], monotonic.
        """
        self._heartbeat, self._clock = heartbeat, clock
        self._looked_at = clock()
        self._last = heartbeat.last
        self.silence = 0.0
        """How long it has been silent while we listened [s]."""

    def look(self) -> bool:
        """Look, several times a second; return whether it has been silent for too long."""
        now = self._clock()
        allowance = (
            self._heartbeat.allowance
        )  # before the beat: the writer sets them that way round
        last = self._heartbeat.last
        if last != self._last:
            self.silence = 0.0
        else:
            self.silence += min(now - self._looked_at, _LONGEST_LOOK)
        self._last, self._looked_at = last, now
        return self.silence > allowance


class UpdateTimer:
    """Knows how long updates take, so that large networks are not taken for a hang."""

    def __init__(self) -> None:
        """Begin without knowing."""
        self._seconds: float | None = None  # of one update
        self._compiling = False  # when that was measured

    def turn(self, compiling: bool) -> float:
        """Return how long a turn of the loop may take without its updates [s]."""
        return _COMPILING if compiling else HEARTBEAT_TIMEOUT

    def updates(self, count: int, compiling: bool) -> float:
        """Return how long `count` updates may take [s]; the first of a kind may take long."""
        if self._seconds is None or compiling != self._compiling:
            return _FIRST_UPDATE
        return max(self.turn(compiling), _SLOWER * count * self._seconds)

    def took(self, count: int, seconds: float, compiling: bool) -> None:
        """Take note of how long updates took [s]."""
        self._seconds, self._compiling = seconds / count, compiling
