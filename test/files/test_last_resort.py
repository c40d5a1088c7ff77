"""What a run leaves at its end where its disk is full: in its place, later, or elsewhere."""

import errno
import os
import resource
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from ddpg_ros.errors import RunDirectoryError
from ddpg_ros.files.appended import AppendedFile
from ddpg_ros.files.last_resort import keep, require_whole
from ddpg_ros.training.evaluation_phase import EvaluationPhase
from ddpg_ros.types import Episode


@contextmanager
def files_of_at_most(size):
    """Let no file grow beyond a size [bytes], as on a full disk; a piece may be cut."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Another disk, where files go for which there is no room in their place."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def no_room(path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def write(path):
    path.write_text("all of it", encoding="utf-8")


def test_a_file_that_can_be_written_is_in_its_place_and_nowhere_else(tmp_path, elsewhere):
    assert keep(tmp_path / "file", write) == (tmp_path / "file", "")
    assert list(elsewhere.iterdir()) == []


def test_where_there_is_no_room_it_is_elsewhere_and_that_is_said(tmp_path, elsewhere):
    place = tmp_path / "file"
    where, why = keep(place, lambda path: no_room(path) if path == place else write(path), 0.0)
    assert where is not None and where.parent.parent == elsewhere
    assert where.read_text() == "all of it"
    assert why == f"{place} could not be written (No space left on device): it is {where}"
    with pytest.raises(RunDirectoryError, match="Make room on that disk"):
        require_whole(["", why])
    require_whole(["", ""])


def test_where_room_comes_in_time_it_is_in_its_place_and_the_copy_is_gone(tmp_path, elsewhere):
    place, room = tmp_path / "file", threading.Event()
    threading.Timer(0.3, room.set).start()
    full = lambda path: write(path) if room.is_set() or path != place else no_room(path)  # noqa: E731
    began = time.monotonic()
    assert keep(place, full, 5.0) == (place, "")
    assert time.monotonic() - began < 2.0
    assert list(elsewhere.iterdir()) == []


def test_what_no_disk_takes_is_said_to_be_lost(tmp_path, elsewhere):
    where, why = keep(tmp_path / "file", no_room, 0.0)
    assert where is None and "it is lost" in why
    assert list(elsewhere.iterdir()) == []


def test_a_growing_file_keeps_whole_pieces_and_goes_on_when_there_is_room(tmp_path, caplog):
    caplog.set_level("INFO", "ddpg_ros")
    file = AppendedFile(tmp_path / "log")
    file.append(b"one\n")
    with files_of_at_most(6):
        file.append(b"two\n")
        assert (tmp_path / "log").read_bytes() == b"one\n"
        file.append(b"three\n")
        assert (tmp_path / "log").read_bytes() == b"one\n"
    said = caplog.text
    assert said.count("waits in memory until there is room") == 1
    file.append(b"four\n")
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\nthree\nfour\n"
    assert "nothing is missing" in caplog.text
    assert file.close() == file.close() == ""


def test_what_waited_is_written_at_the_close_where_there_is_room_by_then(tmp_path):
    file = AppendedFile(tmp_path / "log")
    with files_of_at_most(0):
        file.append(b"one\n")
    file.close()
    assert (tmp_path / "log").read_bytes() == b"one\n"


def test_a_growing_file_keeps_what_it_is_told_to_of_an_older_one(tmp_path):
    (tmp_path / "log").write_bytes(b"one\nhal")
    file = AppendedFile(tmp_path / "log", keep=4)
    file.append(b"two\n")
    file.close()
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


def test_a_growing_file_that_found_no_room_is_elsewhere_whole(tmp_path, elsewhere, monkeypatch):
    place = tmp_path / "log"
    file = AppendedFile(place)
    file.append(b"one\n")
    monkeypatch.setattr(file, "_write", lambda: no_room(place))
    monkeypatch.setattr(
        "ddpg_ros.files.appended.write_whole",
        lambda path, content: no_room(path) if path == place else path.write_bytes(content),
    )
    file.append(b"two\n")
    why = file.close()
    (copy,) = elsewhere.glob("*/log")
    assert copy.read_bytes() == b"one\ntwo\n"
    assert why == f"{place} could not be written (No space left on device): it is {copy}"
    assert place.read_bytes() == b"one\n"


def test_greedy_episodes_wait_for_room(tmp_path):
    policy = SimpleNamespace(actor=None, about=SimpleNamespace(updates=0))
    with files_of_at_most(0):
        phase = EvaluationPhase(policy, tmp_path, 1)
        phase.record(Episode(-1.5, 7, True, False, {}))
    assert phase.close() == ""
    text = (tmp_path / "evaluation.csv").read_text()
    assert text.splitlines() == ["episode,return,length,success", "1,-1.5,7,1"]
