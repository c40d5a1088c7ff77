"""The file that says how far a run is: whole, rarely written, and never in the way."""

import json

import pytest

from ddpg_ros.files.status import RunStatus, StatusFile, read_status
from ddpg_ros.types import Episode


@pytest.fixture
def path(tmp_path):
    return tmp_path / "status.json"


def episode(total, success=False, terms=(("distance", -1.0),)):
    return Episode(total, 50, success, False, dict(terms))


def test_what_is_written_is_read_with_the_means_of_its_episodes(path):
    status = StatusFile(path, "training")
    status.add(episode(-3.0, success=True))
    status.add(episode(-1.0))
    status.write(step=100, updates=80, compiling=True)
    assert read_status(path) == RunStatus("training", 2, -2.0, 0.5, 100, 80, True)


def test_a_trainings_means_are_those_of_its_last_twenty_episodes_and_an_evaluations_of_all(path):
    for phase, mean in (("training", 2.0), ("evaluation", 4.5 / 2.5)):
        status = StatusFile(path, phase)
        for total in [1.0] * 5 + [2.0] * 20:
            status.add(episode(total))
        status.write()
        assert read_status(path).mean_return == mean
        assert read_status(path).episodes == 25


def test_episodes_that_do_not_know_success_have_no_rate(path):
    status = StatusFile(path, "training")
    status.add(episode(-1.0, terms=()))
    status.write()
    assert read_status(path).success_rate is None


def test_without_an_episode_there_is_no_mean(path):
    StatusFile(path, "training").write(step=3)
    assert read_status(path) == RunStatus("training", 0, step=3)


def test_the_next_write_is_due_a_quarter_of_a_second_after_the_last(path, monkeypatch):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    status = StatusFile(path, "training")
    assert status.due
    status.write()
    now = 100.24
    assert not status.due
    now = 100.25
    assert status.due


def test_a_status_that_has_not_changed_is_not_written_again(path):
    status = StatusFile(path, "training")
    status.write(step=5)
    path.unlink()
    status.write(step=5)
    assert not path.exists()
    status.write(step=6)
    assert read_status(path).step == 6


def test_a_disk_that_takes_nothing_changes_nothing_and_later_all_is_written(path):
    status = StatusFile(path, "training")
    path.mkdir()  # where a file should be: the new name is refused
    status.write(step=5)
    assert [left.name for left in path.parent.iterdir()] == ["status.json"]
    path.rmdir()
    status.write(step=5)
    assert json.loads(path.read_text())["step"] == 5


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"colour": 1}'])
def test_what_is_no_status_reads_as_none(path, content):
    assert read_status(path) is None
    path.write_bytes(content)
    assert read_status(path) is None
