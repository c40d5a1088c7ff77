"""The mailbox that carries the newest actor weights from the worker to the control loop."""

import numpy as np

from ddpg_ros.types import Vector32
from ddpg_ros.worker.shared import memory

_TRIES = 100
_BEGIN, _END = 0, 1  # words of a buffer's first cache line


class WeightMailbox:
    """The newest set of weights, for one writer and one reader process. Neither ever waits.

    Two buffers are written in turn. Each carries two marks: the version whose writing began and
    the version whose writing ended. The writer sets the first, copies, sets the second; the
    reader reads them in the opposite order around its copy, and a copy between equal marks is
    whole (a sequence lock, Lameter 2005; here one a buffer, so that the reader has a whole set
    to read while the next is written, also when the writer dies in the middle).

    That stores and loads are seen in program order is a promise of x86-64 (total store order);
    a weaker machine, such as ARM, would need barriers.
    """

    def __init__(self, size: int) -> None:
        """Make an empty mailbox.

        Args:
            size: numbers in a set of weights.
        """
        if size < 1:
            raise ValueError(f"a mailbox for {size} weights; expected at least 1.")
        self.size = size
        self._block = memory.allocate(2 * (memory.CACHE_LINE + memory.lines(4 * size)))
        self._map()

    def _map(self) -> None:
        first, second = memory.view(self._block).reshape(2, -1)
        header = memory.CACHE_LINE
        self._marks = tuple(memory.words(part[:header]) for part in (first, second))
        self._weights = tuple(
            part[header : header + 4 * self.size].view(np.float32) for part in (first, second)
        )

    def __getstate__(self) -> tuple[int, memory.SharedBytes]:
        """Hand over the memory; a spawned child makes its own views."""
        return self.size, self._block

    def __setstate__(self, state: tuple[int, memory.SharedBytes]) -> None:
        """Make the views on the memory."""
        self.size, self._block = state
        self._map()

    def publish(self, weights: Vector32, version: int) -> None:
        """Make a set of weights the newest; the writer's side.

        Args:
            weights: (size,).
            version: larger than every version before. A restarted writer goes on from
                `version + 1`.
        """
        if weights.shape != (self.size,):
            raise ValueError(
                f"weights of shape {weights.shape}; this mailbox takes ({self.size},)."
            )
        if version <= self.version:
            raise ValueError(
                f"version {version} of the weights after version {self.version}; "
                "expected a larger one."
            )
        older = 1 - self._newest()
        marks = self._marks[older]
        marks[_BEGIN] = version
        self._weights[older][:] = weights
        marks[_END] = version

    @property
    def version(self) -> int:
        """Version of the newest whole set; 0 if there is none yet."""
        return self._marks[self._newest()][_END]

    def read(self) -> tuple[int, Vector32] | None:
        """Return the newest whole set of weights; the reader's side.

        Returns:
            The version and the weights, (size,), a copy. None if nothing was published yet, or
            if the writer overran the reader 100 times in a row (the reader keeps the set that it
            has).
        """
        for _ in range(_TRIES):
            newest = self._newest()
            version = self._marks[newest][_END]
            if version == 0:
                return None
            weights = self._copy(newest)
            if self._marks[newest][_BEGIN] == version:
                return version, weights
        return None

    def _copy(self, buffer: int) -> Vector32:
        weights: Vector32 = self._weights[buffer].copy()
        return weights

    def _newest(self) -> int:
        """Index of the buffer whose writing ended last."""
        return int(self._marks[1][_END] > self._marks[0][_END])
