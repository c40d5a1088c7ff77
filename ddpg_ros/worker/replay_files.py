"""The replay buffer on the disk: append-only segments, written in proportion to what is new.

A segment holds records in the order in which they were stored, as little-endian float32, row by
row: `numpy.fromfile(path, '<f4').reshape(-1, width)`. A generation refers to the segments that its
buffer needs, each up to a length and with the SHA-256 of that prefix, so that a record is written
once however many generations refer to it.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ddpg_ros.algo.replay import Replay
from ddpg_ros.config.run_directory import REPLAY
from ddpg_ros.files.disk_space import require_space
from ddpg_ros.files.generations import Generation, sync_folder
from ddpg_ros.files.manifest import Extent
from ddpg_ros.worker.stored_records import NUMBER, stored_records

_SHARE = 8  # segments that a full replay buffer takes, about
_FEWEST = 1024  # records in a segment


class Segment:
    """One file of records, and how much of it is written."""

    def __init__(self, name: str, first: int, records: int = 0, sha256: str = "") -> None:
        """Describe a segment.

        Args:
            name: its path below the run directory.
            first: number of its first record, counted from the first that was ever stored.
            records: how many it has.
            sha256: of these, if nothing will be appended.
        """
        self.name, self.first, self.records = name, first, records
        self.closed = bool(sha256)
        self._sha256, self._digest = sha256, hashlib.sha256()

    @property
    def end(self) -> int:
        """Number of the record after its last."""
        return self.first + self.records

    @property
    def sha256(self) -> str:
        """Checksum of what is written."""
        return self._sha256 or self._digest.hexdigest()

    def append(self, root: Path, records: NDArray[np.float32]) -> None:
        """Put records, (k, width), on the disk.

        Raises:
            OSError: the write failed; the segment is as it was before.
        """
        content = records.astype(NUMBER).tobytes()
        path = root / self.name
        is_new = not path.exists()
        with path.open("ab" if self.records else "wb") as file:
            file.truncate(self.records * records.shape[1] * NUMBER.itemsize)  # of a failed write
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(path.parent)
        self._digest.update(content)
        self.records += len(records)


class ReplayFiles:
    """The segments of a run's replay buffer."""

    def __init__(self, root: Path, capacity: int, width: int) -> None:
        """Begin with an empty buffer.

        Args:
            root: the run directory.
            capacity: of the replay buffer [records].
            width: numbers in a record.
        """
        self._root, self._capacity, self._width = root, capacity, width
        self._most = max(_FEWEST, capacity // _SHARE)
        self._segments: list[Segment] = []
        self._written = 0  # number of the first record that is not on the disk

    def write(self, replay: Replay, number: int) -> None:
        """Put on the disk what was stored since the last call.

        Args:
            replay: the buffer.
            number: of the generation that is about to refer to it.

        Raises:
            OSError: the disk is full, or failed; a later call writes what is missing.
        """
        (self._root / REPLAY).mkdir(exist_ok=True)
        if not all((self._root / one.name).exists() for one in self._segments):
            self._segments, self._written = [], 0  # somebody removed one: write all of it again
        fresh: NDArray[np.float32] = replay.since(self._written).numpy()
        require_space(self._root / REPLAY, fresh.nbytes)
        first = replay.total - len(fresh)
        while len(fresh):
            segment = self._open_segment(first, number)
            part = fresh[: self._most - segment.records]
            segment.append(self._root, part)
            first, fresh = segment.end, fresh[len(part) :]
            self._written = first
        oldest = replay.total - len(replay)
        self._segments = [one for one in self._segments if one.end > oldest]

    def _open_segment(self, first: int, number: int) -> Segment:
        last = self._segments[-1] if self._segments else None
        if last is None or last.closed or last.end != first or last.records >= self._most:
            last = Segment(f"{REPLAY}/{first:012d}-{number:06d}.f32", first)
            self._segments.append(last)
        return last

    def describe(self, replay: Replay) -> dict[str, Any]:
        """Return, as JSON, which records are in which segment."""
        segments = [[one.name, one.first, one.records] for one in self._segments]
        return {"width": self._width, "total": replay.total, "segments": segments}

    def extents(self) -> dict[str, Extent]:
        """Return what belongs to a generation of each segment."""
        record = self._width * NUMBER.itemsize
        return {one.name: Extent(one.records * record, one.sha256) for one in self._segments}

    def restore(self, replay: Replay, generation: Generation) -> None:
        """Read a generation's records into an empty buffer, and go on after them.

        Raises:
            CheckpointError: a segment does not verify, or records are missing. Nothing is stored
                then: a buffer without what was learnt from would be a silent loss.
        """
        held, total, segments = stored_records(generation, self._root, self._capacity, self._width)
        replay.restore(torch.from_numpy(held), total)
        self._written = total
        self._segments = [
            Segment(name, begin, records, generation.grown[name].sha256)
            for name, begin, records in segments
        ]

    def remove_unused(self, referred: set[str]) -> None:
        """Remove the segments to which no generation refers."""
        used = referred | {one.name for one in self._segments}
        for path in (self._root / REPLAY).glob("*.f32"):
            if f"{REPLAY}/{path.name}" not in used:
                path.unlink(missing_ok=True)
