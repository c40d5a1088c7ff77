"""The ring that carries transitions from the control loop to the worker."""

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.types import Vector32
from ddpg_ros.worker.shared import memory

_HEAD, _DROPPED, _TAIL = 0, 1, memory.CACHE_LINE // 8  # words; the writer's line, the reader's
_HEADER = 2 * memory.CACHE_LINE  # [bytes]


class Ring:
    """A queue of fixed-size float32 records for one producer and one consumer process.

    Neither side ever waits: `push` into a full ring drops the record and counts it.

    The counters (64 bits) never wrap; only the index into the records does. The producer alone
    writes the head, after the record; the consumer alone writes the tail, after its copy. That
    the other side sees these stores in this order is a promise of x86-64 (total store
    order); a weaker machine, such as ARM, would need barriers.
    """

    def __init__(self, capacity: int, width: int) -> None:
        """Make an empty ring.

        Args:
            capacity: records that it holds before it drops.
            width: numbers in a record.
        """
        if capacity < 1 or width < 1:
            raise ValueError(
                f"a ring of capacity {capacity} and width {width}; expected both to be at least 1."
            )
        self.capacity = capacity
        self.width = width
        self._block = memory.allocate(_HEADER + 4 * capacity * width)
        self._map()

    def _map(self) -> None:
        content = memory.view(self._block)
        self._words = memory.words(content[:_HEADER])
        self._records: NDArray[np.float32] = (
            content[_HEADER:].view(np.float32).reshape(self.capacity, self.width)
        )

    def __getstate__(self) -> tuple[int, int, memory.SharedBytes]:
        """Hand over the memory; a spawned child makes its own views."""
        return self.capacity, self.width, self._block

    def __setstate__(self, state: tuple[int, int, memory.SharedBytes]) -> None:
        """Make the views on the memory."""
        self.capacity, self.width, self._block = state
        self._map()

    def push(self, record: Vector32) -> bool:
        """Append one record; the producer's side. Takes microseconds and never waits.

        Args:
            record: (width,).

        Returns:
            False if the ring was full and the record was dropped.
        """
        if record.shape != (self.width,):
            raise ValueError(f"a record of shape {record.shape}; this ring takes ({self.width},).")
        words = self._words
        head = words[_HEAD]
        if head - words[_TAIL] >= self.capacity:
            words[_DROPPED] += 1
            return False
        self._records[head % self.capacity] = record
        words[_HEAD] = head + 1  # after the record
        return True

    def pop_all(self) -> NDArray[np.float32]:
        """Take every record, oldest first; the consumer's side.

        Returns:
            (k, width), a copy; k may be 0.
        """
        tail = self._words[_TAIL]
        count = self._words[_HEAD] - tail
        start = tail % self.capacity
        until_end = min(count, self.capacity - start)
        records = np.empty((count, self.width), dtype=np.float32)
        records[:until_end] = self._records[start : start + until_end]
        records[until_end:] = self._records[: count - until_end]
        self._words[_TAIL] = tail + count  # after the copy
        return records

    def __len__(self) -> int:
        """Records that wait in the ring."""
        tail = self._words[_TAIL]  # read before the head, which may advance meanwhile
        return min(self._words[_HEAD] - tail, self.capacity)

    @property
    def popped(self) -> int:
        """Records that were ever taken, by this consumer and those before it."""
        return self._words[_TAIL]

    @property
    def pushed(self) -> int:
        """Records that were ever accepted."""
        return self._words[_HEAD]

    @property
    def dropped(self) -> int:
        """Records that were ever dropped because the ring was full."""
        return self._words[_DROPPED]
