"""Uniform experience replay: a ring of packed transitions on the learner's device."""

import torch
from torch import Tensor

from ddpg_ros.algo.losses import Batch
from ddpg_ros.types import RecordLayout


class Replay:
    """The last `capacity` transitions; a minibatch is one indexing operation."""

    def __init__(self, capacity: int, layout: RecordLayout, device: str = "cpu") -> None:
        """Reserve the memory: capacity × layout.width × 4 bytes."""
        self._layout = layout
        self._storage = torch.zeros((capacity, layout.width), device=device)
        self._next = 0
        self._size = 0

    def __len__(self) -> int:
        """Transitions held."""
        return self._size

    def add(self, records: Tensor) -> None:
        """Store records, (k, width); the oldest give way."""
        capacity = len(self._storage)
        records = records[-capacity:]
        rows = (self._next + torch.arange(len(records), device=self._storage.device)) % capacity
        self._storage[rows] = records.to(self._storage.device)
        self._next = (self._next + len(records)) % capacity
        self._size = min(self._size + len(records), capacity)

    def sample(self, size: int, generator: torch.Generator) -> Batch:
        """Draw `size` transitions uniformly, with replacement."""
        rows = torch.randint(self._size, (size,), generator=generator, device=self._storage.device)
        packed = self._storage[rows]
        return Batch(*(packed[:, columns] for columns in self._layout.slices))
