"""Uniform experience replay: a ring buffer of packed transitions on the learner's device."""

import numpy as np
import torch
from torch import Tensor

from ddpg_ros.algo.losses import Batch
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout


class Replay:
    """The replay buffer: the last `capacity` transitions, as packed records.

    Record number i, counted from the first that was ever added, is in row i mod `capacity`. Rows
    behind these may hold the transitions of an earlier run, which never change.
    """

    def __init__(
        self, capacity: int, layout: RecordLayout, device: str = "cpu", room: int = 0
    ) -> None:
        """Reserve the memory: (capacity + room) × layout.width × 4 bytes.

        Args:
            capacity: transitions of this run.
            layout: of the records.
            device: where they are.
            room: rows for the transitions of an earlier run; on the CPU those that stay empty
                take no memory.

        Raises:
            MachineError: the device has too little memory.
        """
        self.layout, self.capacity = layout, capacity
        rows, on_cpu = capacity + room, torch.device(device).type == "cpu"
        try:
            if room and on_cpu:  # numpy leaves it to the system to fill pages with zeros
                storage = torch.from_numpy(np.zeros((rows, layout.width), dtype=np.float32))
            else:
                storage = torch.zeros((rows, layout.width), device=device)
        except torch.OutOfMemoryError:
            size = 4e-9 * rows * layout.width
            besides = ", and as many of an earlier run," if room else ","
            raise MachineError(
                f"{device} has no room for learner.replay_capacity {capacity}{besides} "
                f"{size:.2g} GB; expected fewer transitions, or learner.device: cpu."
            ) from None
        self.storage = storage
        """The records, (rows, width); the first `len(self)` rows are filled."""
        self.total = 0
        """Number of records that were ever stored."""
        self.earlier = 0
        """Number of records of an earlier run."""

    def __len__(self) -> int:
        """Return the number of transitions stored, without those of an earlier run."""
        return min(self.total, self.capacity)

    def keep_earlier(self, records: Tensor) -> None:
        """Store the records of an earlier run, (k, width); there is room for them."""
        self.storage[self.capacity : self.capacity + len(records)] = records
        self.earlier = len(records)

    def add(self, records: Tensor) -> None:
        """Store records, (k, width), in place of the oldest."""
        capacity = self.capacity
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
        capacity = self.capacity
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

    def draw(self, rows: Tensor, generator: torch.Generator, earlier: int = 0) -> None:
        """Fill `rows` with row numbers drawn uniformly with replacement.

        Args:
            rows: of any shape; (b,) if `earlier` is above 0.
            generator: the source of randomness.
            earlier: how many of them, the first, are of the earlier run.
        """
        if earlier:
            torch.randint(self.earlier, (earlier,), generator=generator, out=rows[:earlier])
            rows[:earlier] += self.capacity
            rows = rows[earlier:]
        torch.randint(len(self), rows.shape, generator=generator, out=rows)


def unpack(layout: RecordLayout, packed: Tensor) -> Batch:
    """Return packed records, (b, width), as a minibatch."""
    return Batch(*(packed[:, columns] for columns in layout.slices))
