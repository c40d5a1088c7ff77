"""Uniform experience replay: a ring buffer of packed transitions on the learner's device."""

import torch
from torch import Tensor

from ddpg_ros.algo.losses import Batch
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout


class Replay:
    """The replay buffer: the last `capacity` transitions, as packed records."""

    def __init__(self, capacity: int, layout: RecordLayout, device: str = "cpu") -> None:
        """Reserve the memory: capacity × layout.width × 4 bytes.

        Raises:
            MachineError: the device has too little memory.
        """
        self.layout = layout
        try:
            storage = torch.zeros((capacity, layout.width), device=device)
        except torch.OutOfMemoryError:
            size = 4e-9 * capacity * layout.width
            raise MachineError(
                f"{device} has no room for learner.replay_capacity {capacity}, {size:.2g} GB; "
                "expected fewer transitions, or learner.device: cpu."
            ) from None
        self.storage = storage
        """The records, (capacity, width); the first `len(self)` rows are filled."""
        self._next = 0
        self._size = 0

    def __len__(self) -> int:
        """Return the number of transitions stored."""
        return self._size

    def add(self, records: Tensor) -> None:
        """Store records, (k, width), in place of the oldest."""
        capacity = len(self.storage)
        records = records[-capacity:]
        before_the_end = capacity - self._next
        for part in (records[:before_the_end], records[before_the_end:]):
            if len(part):
                self.storage[self._next : self._next + len(part)] = part
                self._next = (self._next + len(part)) % capacity
        self._size = min(self._size + len(records), capacity)

    def draw(self, rows: Tensor, generator: torch.Generator) -> None:
        """Fill `rows`, of any shape, with row numbers drawn uniformly with replacement."""
        torch.randint(self._size, rows.shape, generator=generator, out=rows)


def unpack(layout: RecordLayout, packed: Tensor) -> Batch:
    """Return packed records, (b, width), as a minibatch."""
    return Batch(*(packed[:, columns] for columns in layout.slices))
