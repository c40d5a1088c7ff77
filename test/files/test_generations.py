"""Generations: what is read is what was written, or a refusal in one sentence; never in part."""

import hashlib
import json
import os
import pickle
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ddpg_ros.errors import CheckpointError
from ddpg_ros.files.generations import (
    list_generations,
    newest_generation,
    next_number,
    prune,
    read_generation,
    read_prefix,
    write_generation,
)
from ddpg_ros.files.manifest import MANIFEST, Extent

CONTENT = bytes(range(256))
LOG = b"step,return\n10,-3.5\n"
DOCUMENT = {"step": 10, "control": {"state": 2**100}, "exact": True}


def extent(content):
    return Extent(len(content), hashlib.sha256(content).hexdigest())


def write(root, number=1, step=10):
    """A generation with one file, that refers to a log which has grown since."""
    folder = root / "checkpoints"
    folder.mkdir(exist_ok=True)
    (root / "metrics.csv").write_bytes(LOG + b"20,-1.5\n")
    grown = {"metrics.csv": extent(LOG)}
    document = DOCUMENT | {"step": step}
    return write_generation(folder, number, {"learner.bin": CONTENT}, grown, document)


def refusal(path, root):
    with pytest.raises(CheckpointError) as caught:
        read_generation(path, root)
    sentence = str(caught.value)
    assert sentence.startswith(f"the checkpoint {path}") and sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def path(tmp_path):
    return write(tmp_path)


def test_what_was_written_is_read_and_what_was_appended_later_does_not_matter(path, tmp_path):
    generation = read_generation(path, tmp_path)
    assert (generation.path, generation.number) == (path, 1)
    assert generation.document == DOCUMENT
    assert generation.grown == {"metrics.csv": extent(LOG)}
    assert (path / "learner.bin").read_bytes() == CONTENT
    assert read_prefix(tmp_path, "metrics.csv", generation.grown["metrics.csv"]) == LOG


def test_the_newest_that_verifies_is_taken_and_the_others_are_named(tmp_path):
    paths = [write(tmp_path, number, step=number) for number in (1, 2, 3)]
    assert newest_generation(tmp_path / "checkpoints", tmp_path)[0].document["step"] == 3
    (paths[2] / "learner.bin").write_bytes(CONTENT[:-1])
    newest, refusals = newest_generation(tmp_path / "checkpoints", tmp_path)
    assert newest.number == 2
    assert [str(paths[2]) in sentence for sentence in refusals] == [True]
    for path in paths[:2]:
        (path / MANIFEST).write_bytes(b"")
    newest, refusals = newest_generation(tmp_path / "checkpoints", tmp_path)
    assert newest is None and len(refusals) == 3


def test_a_folder_without_one_or_that_is_not_there_has_none(tmp_path):
    assert newest_generation(tmp_path / "none", tmp_path) == (None, [])
    assert next_number(tmp_path / "none") == 1


def test_the_next_number_is_larger_than_that_of_a_damaged_one(tmp_path):
    write(tmp_path, 7)
    (tmp_path / "checkpoints" / "generation-000012").mkdir()
    assert next_number(tmp_path / "checkpoints") == 13


def test_the_last_three_are_kept_and_what_is_half_written_is_removed(tmp_path):
    for number in range(1, 6):
        write(tmp_path, number)
    folder = tmp_path / "checkpoints"
    (folder / ".writing-000009").mkdir()
    kept = prune(folder, needed=folder / "generation-000001")
    assert [path.name for path in kept] == [f"generation-00000{n}" for n in (5, 4, 3, 1)]
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in kept)
    kept = prune(folder)
    assert [path.name for path in kept] == [f"generation-00000{n}" for n in (5, 4, 3)]
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in kept)


def everything(root):
    return [root / "metrics.csv", *sorted((root / "checkpoints").rglob("*.*"))]


def test_fault_28_cut_at_any_length_a_file_is_refused(path, tmp_path):
    for file in everything(tmp_path):
        whole = file.read_bytes()
        least = len(LOG) if file.name == "metrics.csv" else len(whole)
        for length in range(least):
            file.write_bytes(whole[:length])
            refusal(path, tmp_path)
        file.write_bytes(whole)
    read_generation(path, tmp_path)


def test_fault_29_a_flipped_bit_is_refused_wherever_it_is(path, tmp_path):
    for file in everything(tmp_path):
        whole = file.read_bytes()
        for place in range(len(LOG) if file.name == "metrics.csv" else len(whole)):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << place % 8
            file.write_bytes(damaged)
            refusal(path, tmp_path)
        file.write_bytes(whole)
    read_generation(path, tmp_path)


class Canary:
    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return (os.mkdir, (self.file,))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_fault_30_a_pickle_in_disguise_is_refused_and_never_run(path, tmp_path, protocol):
    canary = tmp_path / "canary"
    for file in everything(tmp_path):
        whole = file.read_bytes()
        file.write_bytes(pickle.dumps(Canary(canary), protocol))
        refusal(path, tmp_path)
        assert not canary.exists()
        file.write_bytes(whole)


@given(content=st.binary(max_size=300) | st.text().map(str.encode))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_at_all_are_no_manifest(path, tmp_path, content):
    (path / MANIFEST).write_bytes(content)
    refusal(path, tmp_path)


def reseal(path, **changes):
    """Change a manifest and make its checksum right again, as damage never does."""
    manifest = json.loads((path / MANIFEST).read_bytes())
    del manifest["sha256"]
    manifest |= changes
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    (path / MANIFEST).write_text(json.dumps(manifest | {"sha256": digest}))


@pytest.mark.parametrize("bytes_", [-1, 1.5, "256", None, True, 2**63, 2**80])
def test_fault_31_what_is_no_size_is_refused(path, tmp_path, bytes_):
    reseal(path, files={"learner.bin": {"bytes": bytes_, "sha256": "0" * 64}})
    assert refusal(path, tmp_path).endswith(f"says that 'learner.bin' has {bytes_!r} bytes.")


@pytest.mark.parametrize("bytes_", [0, 2**31, 2**62])
def test_fault_31_absurd_sizes_are_refused_unread(path, tmp_path, bytes_):
    reseal(path, files={"learner.bin": {"bytes": bytes_, "sha256": "0" * 64}})
    assert f"has 256 bytes of learner.bin; expected {bytes_}" in refusal(path, tmp_path)


def test_fault_31_a_huge_manifest_is_refused_unread(path, tmp_path):
    with (path / MANIFEST).open("r+b") as file:
        file.truncate(2**40)
    assert "above 16777216 bytes" in refusal(path, tmp_path)


def test_fault_32_a_newer_one_is_refused_with_the_cure(path, tmp_path):
    reseal(path, schema_version=2)
    assert refusal(path, tmp_path).endswith(
        "has schema version 2; this package reads 1: use the version of ddpg_ros that wrote it."
    )


def test_fault_32_the_version_that_wrote_it_is_named(path, tmp_path):
    about = {"about": {"package_version": "7.1"}}
    reseal(path, schema_version=2, document=about)
    assert "has schema version 2, of ddpg_ros 7.1; this package reads 1" in refusal(path, tmp_path)


@pytest.mark.parametrize("changes", [{"files": 3}, {"grown": {"a": 1}}, {"grown": None}])
def test_a_manifest_of_another_form_is_refused(path, tmp_path, changes):
    reseal(path, **changes)
    refusal(path, tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "..", ".", "", "a//b"])
@pytest.mark.parametrize("kind", ["files", "grown"])
def test_fault_35_a_name_that_leaves_the_run_is_refused(path, tmp_path, kind, name):
    (tmp_path / "secret").write_bytes(CONTENT)
    reseal(path, **{kind: {name: extent(CONTENT)._asdict()}})
    assert "expected one below its run" in refusal(path, tmp_path)


def test_fault_35_links_are_refused(path, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    for file in everything(tmp_path):
        whole = file.read_bytes()
        elsewhere.write_bytes(whole)
        file.unlink()
        file.symlink_to(elsewhere)
        refusal(path, tmp_path)
        file.unlink()
        file.write_bytes(whole)
    moved = path.rename(tmp_path / "moved")
    path.symlink_to(moved)
    assert "is a link" in refusal(path, tmp_path)


def test_fault_35_a_pipe_is_refused_and_not_waited_for(path, tmp_path):
    for file in everything(tmp_path):
        whole = file.read_bytes()
        file.unlink()
        os.mkfifo(file)
        assert re.search("no regular file", refusal(path, tmp_path))
        file.unlink()
        file.write_bytes(whole)


def test_a_disk_without_room_is_told_apart_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("ddpg_ros.files.disk_space.free_space", lambda folder: 2**20)
    with pytest.raises(OSError, match=r"has 1048576 bytes of room, .* and this takes \d+"):
        write(tmp_path)
    assert list_generations(tmp_path / "checkpoints") == []
    assert list((tmp_path / "checkpoints").iterdir()) == []
