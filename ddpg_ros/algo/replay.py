"""Uniform experience replay: a ring buffer of packed transitions on the learner's device."""

import torch
from torch import Tensor

from ddpg_ros.algo.losses import Batch
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout


class Replay:
    """The replay buffer: the last `capacity` transitions, as packed records.

    Record number i, counted from the first that was ever added, is in row i mod `capacity`.
    """

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
        self.total = 0
        """Number of records that were ever stored."""

    def __len__(self) -> int:
        """Return the number of transitions stored."""
        return min(self.total, len(self.storage))

    def add(self, records: Tensor) -> None:
        """Store records, (k, width), in place of the oldest."""
        capacity = len(self.storage)
        records = records[-capacity:]
        row = self.total % capacity
        before_the_end = capacity - row
        for part in (records[:before_the_end], records[before_the_end:]):
            if len(part):
                self.storage[row : row + len(part)] = part
                row = (row + len(part)) % capacity
        self.total += len(records)

    def since(self, first: int) -> Tensor:
        """Return a copy of the records from number `first` on that are still stored, oldest first.

        Returns:
            (k, width), on the CPU.
        """
        capacity = len(self.storage)
        first = max(first, self.total - len(self))
        start, count = first % capacity, self.total - first
        until_end = min(count, capacity - start)
        parts = (self.storage[start : start + until_end], self.storage[: count - until_end])
        return torch.cat(parts).cpu()

    def restore(self, records: Tensor, total: int) -> None:
        """Store the last records of an earlier replay buffer in the rows that they had.

        Args:
            records: (k, width), the last of them, oldest first.
            total: number of records that were ever stored there.
        """
        self.total = total - len(records)
        self.add(records)

    def draw(self, rows: Tensor, generator: torch.Generator) -> None:
        """Fill `rows`, of any shape, with row numbers drawn uniformly with replacement."""
        torch.randint(len(self), rows.shape, generator=generator, out=rows)


def unpack(layout: RecordLayout, packed: Tensor) -> Batch:
    """Return packed records, (b, width), as a minibatch."""
    return Batch(*(packed[:, columns] for columns in layout.slices))
