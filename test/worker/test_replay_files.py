"""The replay buffer on the disk: what is new is written once, and what was held comes back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.algo.replay import Replay
from ddpg_ros.errors import CheckpointError
from ddpg_ros.files.generations import Generation
from ddpg_ros.types import RecordLayout
from ddpg_ros.worker.replay_files import ReplayFiles

LAYOUT = RecordLayout(observation_size=1, action_size=1)
RECORD = 4 * LAYOUT.width


def records(first, count):
    numbers = torch.arange(first, first + count, dtype=torch.float32)
    return numbers[:, None].expand(-1, LAYOUT.width)


class Disk:
    """A buffer, and the files that it is written to."""

    def __init__(self, root, capacity):
        self.root, self.capacity = root, capacity
        (root / "checkpoints").mkdir(exist_ok=True)
        self.replay = Replay(capacity, LAYOUT)
        self.files = ReplayFiles(root, capacity, LAYOUT.width)
        self.number = 0

    def add(self, count):
        self.replay.add(records(self.replay.total, count))

    def write(self):
        self.number += 1
        self.files.write(self.replay, self.number)
        document = {"replay": self.files.describe(self.replay)}
        return Generation(Path("generation"), self.number, document, self.files.extents())

    def read(self, generation):
        other = Disk(self.root, self.capacity)
        other.files.restore(other.replay, generation)
        other.number = self.number
        return other

    @property
    def size(self):
        return sum(path.stat().st_size for path in (self.root / "checkpoints").rglob("*.f32"))


def same(one, other):
    return one.total == other.total and torch.equal(one.storage, other.storage)


def test_a_checkpoint_writes_the_new_records_alone(tmp_path):
    disk = Disk(tmp_path, 100_000)
    disk.add(50_000)
    disk.write()
    assert disk.size == 50_000 * RECORD
    disk.add(7)
    generation = disk.write()
    assert disk.size == 50_007 * RECORD
    assert same(disk.read(generation).replay, disk.replay)


@settings(deadline=None, max_examples=40)
@given(
    capacity=st.integers(1, 3000),
    sizes=st.lists(st.integers(0, 4000), min_size=1, max_size=6),
    forget=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_whatever_was_added_between_checkpoints_comes_back(
    tmp_path_factory, capacity, sizes, forget
):
    disk = Disk(tmp_path_factory.mktemp("run"), capacity)
    for size, dies in zip(sizes, forget, strict=False):
        disk.add(size)
        generation = disk.write()
        disk.files.remove_unused(set(generation.grown))
        if dies:  # another process goes on
            other = disk.read(generation)
            assert same(other.replay, disk.replay)
            disk = other
    assert same(disk.read(generation).replay, disk.replay)


def test_what_the_buffer_no_longer_holds_is_removed(tmp_path):
    disk = Disk(tmp_path, 2000)
    for _ in range(20):
        disk.add(1000)
        disk.files.remove_unused(set(disk.write().grown))
    assert disk.size <= (2000 + 2 * 1024) * RECORD


def test_an_older_checkpoint_still_reads_what_it_held(tmp_path):
    disk = Disk(tmp_path, 2000)
    disk.add(1500)
    older, held = disk.write(), disk.replay.storage.clone()
    disk.add(700)
    disk.files.remove_unused(set(disk.write().grown) | set(older.grown))
    found = disk.read(older)
    assert found.replay.total == 1500
    assert torch.equal(found.replay.storage, held)


def test_a_run_that_goes_on_from_an_older_checkpoint_writes_over_nothing(tmp_path):
    disk = Disk(tmp_path, 2000)
    disk.add(100)
    older = disk.write()
    disk.add(50)
    newer, held = disk.write(), disk.replay.storage.clone()
    branch = disk.read(older)
    branch.add(30)
    branch.write()
    assert torch.equal(disk.read(newer).replay.storage, held)


def test_fault_46_a_replay_that_does_not_verify_is_refused_and_never_empty(tmp_path):
    disk = Disk(tmp_path, 1000)
    disk.add(100)
    generation = disk.write()
    (name,) = generation.grown
    path = tmp_path / name
    whole = path.read_bytes()
    for damage in (
        whole[:-1],
        b"",
        whole[:50] + bytes([whole[50] ^ 4]) + whole[51:],
        whole[RECORD:] + whole[:RECORD],
    ):
        path.write_bytes(damage)
        with pytest.raises(CheckpointError, match=name):
            disk.read(generation)
    path.unlink()
    with pytest.raises(CheckpointError, match="is missing"):
        disk.read(generation)


@pytest.mark.parametrize(
    "changes",
    [
        {"total": 101},
        {"width": 3},
        {"segments": []},
        {"segments": [["other", 0, 100]]},
        {"segments": [[1, 2]]},
        {"total": None},
    ],
)
def test_fault_46_records_that_are_not_all_there_are_refused(tmp_path, changes):
    disk = Disk(tmp_path, 1000)
    disk.add(100)
    generation = disk.write()
    document = {"replay": generation.document["replay"] | changes}
    with pytest.raises(CheckpointError):
        disk.read(generation._replace(document=document))


def test_fault_46_numbers_that_are_not_finite_are_refused(tmp_path):
    disk = Disk(tmp_path, 1000)
    disk.add(10)
    disk.replay.storage[3] = np.nan
    with pytest.raises(CheckpointError, match="not finite"):
        disk.read(disk.write())


def test_a_segment_that_somebody_removed_is_written_again(tmp_path):
    disk = Disk(tmp_path, 1000)
    disk.add(100)
    for name in disk.write().grown:
        (tmp_path / name).unlink()
    disk.add(5)
    assert same(disk.read(disk.write()).replay, disk.replay)
