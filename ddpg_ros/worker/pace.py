"""How long the learner may be silent, told before each thing that it does."""

from ddpg_ros.worker.heartbeat import HEARTBEAT_TIMEOUT

_COMPILING = 10.0  # [s]; a thread beside loads torch's compiler and shares the interpreter
_FIRST_UPDATE = 60.0  # [s]; CUDA loads its libraries and captures its graph
_SLOWER = 10.0  # times as slow as the last update is still no hang


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
