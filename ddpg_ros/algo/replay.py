"""Uniform experience replay: a ring of packed transitions on the learner's device."""

import torch
from torch import Tensor

from ddpg_ros.algo.losses import Batch
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout


class Replay:
    """The last `capacity` transitions; a minibatch is one indexing operation."""

    def __init__(self, capacity: int, layout: RecordLayout, device: str = "cpu") -> None:
        """Reserve the memory: capacity × layout.width × 4 bytes.

        Raises:
            MachineError: the device has no room for them.
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
        """Every place, (capacity, width); the first `len` of them are taken."""
        self._next = 0
        self._size = 0

    def __len__(self) -> int:
        """Transitions held."""
        return self._size

    def add(self, records: Tensor) -> None:
        """Store records, (k, width); the oldest give way."""
        capacity = len(self.storage)
        records = records[-capacity:]
        before_the_end = capacity - self._next
        for part in (records[:before_the_end], records[before_the_end:]):
            if len(part):
                self.storage[self._next : self._next + len(part)] = part
                self._next = (self._next + len(part)) % capacity
        self._size = min(self._size + len(records), capacity)

    def draw(self, rows: Tensor, generator: torch.Generator) -> None:
        """Fill `rows`, of any shape, with places of the storage, uniformly, with replacement."""
        torch.randint(self._size, rows.shape, generator=generator, out=rows)


def unpack(layout: RecordLayout, packed: Tensor) -> Batch:
    """Return records, (b, width), as the minibatch that they hold."""
    return Batch(*(packed[:, columns] for columns in layout.slices))
