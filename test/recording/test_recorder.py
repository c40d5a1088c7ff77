"""What reaches the disk, and when: by a clock that the test moves."""

import logging

import pytest

pytest.importorskip("rclpy")

from rosbags.rosbag2 import Reader

from ddpg_ros.recording import bag as bag_module
from ddpg_ros.recording.messages import Message
from ddpg_ros.recording.recorder import AFTER, BEFORE, Latches, Recorder
from test.recordings import COMMAND, topic, torque_bytes

MANY = 10**9


def recorder(folder, mode="latch", most=MANY):
    made = Recorder(mode, folder, most, {"task": "reach"})
    made.add_topic(topic(COMMAND))
    return made


def pass_time(made, begin, end, every=0.1):
    """Take a command every tenth of a second, numbered by the tenth [s]."""
    for tenth in range(round(begin / every), round(end / every)):
        now = tenth * every
        made.add(Message(COMMAND, torque_bytes(tenth + 1, (1.0, 1.0)), tenth, tenth), now)
        made.look(now)


def times(folder):
    """The tenths of a second in each bag, oldest first."""
    found = []
    for path in sorted(folder.iterdir()):
        with Reader(path) as reader:
            found.append([time for _, time, _ in reader.messages()])
    return found


def test_a_latch_leaves_the_seconds_before_it_at_once_and_those_after_it_later(tmp_path):
    made = recorder(tmp_path)
    pass_time(made, 0.0, 60.0)
    assert list(tmp_path.iterdir()) == []
    made.latched(60.0)
    assert times(tmp_path) == [list(range(600 - round(10 * BEFORE), 600))]
    pass_time(made, 60.0, 69.9)
    assert len(times(tmp_path)[0]) == 300
    pass_time(made, 69.9, 75.0)
    assert times(tmp_path) == [list(range(300, 600 + round(10 * AFTER) + 1))]


def test_a_second_latch_within_the_time_joins_the_first_and_a_later_one_is_a_new_bag(tmp_path):
    made = recorder(tmp_path)
    pass_time(made, 0.0, 40.0)
    made.latched(40.0)
    pass_time(made, 40.0, 45.0)
    made.latched(45.0)
    pass_time(made, 45.0, 70.0)
    assert times(tmp_path) == [list(range(100, 551))]
    made.latched(70.0)
    made.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_an_end_within_the_time_keeps_what_has_come(tmp_path):
    made = recorder(tmp_path)
    pass_time(made, 0.0, 10.0)
    made.latched(10.0)
    pass_time(made, 10.0, 12.0)
    made.close()
    assert times(tmp_path) == [list(range(0, 120))]


def test_all_writes_everything_file_by_file(tmp_path):
    made = recorder(tmp_path, "all")
    pass_time(made, 0.0, 100.0)
    (bag,) = tmp_path.iterdir()
    assert len(list(bag.glob("*.mcap"))) == 3  # whole ones, so that a kill loses 30 s at most
    made.close()
    assert times(tmp_path) == [list(range(0, 1000))]


def test_all_stays_within_its_limit_and_keeps_the_newest(tmp_path):
    made = recorder(tmp_path, "all", most=5000)
    pass_time(made, 0.0, 400.0)
    made.close()
    (bag,) = tmp_path.iterdir()
    assert sum(file.stat().st_size for file in bag.glob("*.mcap")) <= 5000
    (kept,) = times(tmp_path)
    assert kept == list(range(4000 - len(kept), 4000))


def test_of_all_the_newest_goal_is_in_what_is_left_when_the_oldest_have_made_room(tmp_path):
    made = Recorder("all", tmp_path, 5000, {"task": "reach"}, ("/goal",))
    made.add_topic(topic(COMMAND))
    made.add_topic(topic("/goal"))
    for stamp in (1, 2):
        made.add(Message("/goal", torque_bytes(stamp, (0.5, 0.5)), 0, 0), 0.0)
    pass_time(made, 0.0, 400.0)
    made.close()
    (bag,) = tmp_path.iterdir()
    with Reader(bag) as reader:
        kept = [(one.topic, time, data) for one, time, data in reader.messages()]
        files = len(list(bag.glob("*.mcap")))
    goals = [(time, data) for name, time, data in kept if name == "/goal"]
    assert kept[0][1] > 0  # the first file is gone
    assert len(goals) == files and goals[0][0] == kept[0][1]
    assert {data for _, data in goals} == {torque_bytes(2, (0.5, 0.5))}


@pytest.fixture
def full(monkeypatch):
    """Fills the disk until it is called again."""

    def write(*_):
        raise OSError(28, "No space left on device")

    whole = bag_module.write_whole
    return lambda is_full: monkeypatch.setattr(
        bag_module, "write_whole", write if is_full else whole
    )


def test_what_a_full_disk_does_not_take_waits_until_it_has_room(tmp_path, full, caplog):
    made = recorder(tmp_path, "all")
    full(True)
    with caplog.at_level(logging.WARNING):
        pass_time(made, 0.0, 70.0)
    (line,) = caplog.messages  # said once
    assert "No space left on device" in line
    full(False)
    pass_time(made, 70.0, 100.0)
    made.close()
    assert times(tmp_path) == [list(range(0, 1000))]


def test_a_latch_on_a_full_disk_is_written_as_soon_as_there_is_room(tmp_path, full):
    made = recorder(tmp_path)
    pass_time(made, 0.0, 40.0)
    full(True)
    made.latched(40.0)
    pass_time(made, 40.0, 43.0)
    full(False)
    pass_time(made, 43.0, 44.1)
    (kept,) = times(tmp_path)
    assert kept[:300] == list(range(100, 400))
    pass_time(made, 44.1, 51.0)
    assert times(tmp_path) == [list(range(100, 501))]


def test_the_memory_of_a_recorder_on_a_full_disk_is_bounded(tmp_path, full, caplog, monkeypatch):
    monkeypatch.setattr("ddpg_ros.recording.recorder._RING_BYTES", 20_000)
    made = recorder(tmp_path, "all")
    full(True)
    with caplog.at_level(logging.WARNING):
        pass_time(made, 0.0, 100.0)
    full(False)
    pass_time(made, 100.0, 140.0)
    made.close()
    assert any("messages are lost" in line for line in caplog.messages)
    (kept,) = times(tmp_path)
    assert kept == list(range(1400 - len(kept), 1400))


def test_what_a_full_disk_never_took_is_said_to_be_lost_at_the_end(tmp_path, full, caplog):
    made = recorder(tmp_path, "all")
    full(True)
    with caplog.at_level(logging.WARNING):
        pass_time(made, 0.0, 40.0)
        made.close()
    assert caplog.messages[1:] == ["400 messages are lost: the recorder ends."]


def test_an_old_recording_that_cannot_be_removed_makes_no_message_be_written_twice(
    tmp_path, monkeypatch, caplog
):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    made = recorder(tmp_path, "all", most=1)
    made.add(Message(COMMAND, torque_bytes(1, (1.0, 1.0)), 0, 0), 0.0)
    made.close()
    monkeypatch.setattr(bag_module.shutil, "rmtree", refuse)
    (old,) = tmp_path.iterdir()
    made = recorder(tmp_path, "all", most=1)
    with caplog.at_level(logging.WARNING):
        pass_time(made, 0.0, 62.0)
    made.close()
    assert times(tmp_path) == [[0], list(range(0, 620))]
    assert f"{old} cannot be removed (Permission denied)" in caplog.messages[0]
    assert "run.record_limit" in caplog.messages[0]


def test_a_latch_is_new_once_for_each_node():
    latches = Latches()
    assert not latches.is_new("/policy", 0, False)
    assert latches.is_new("/policy", 1, True)
    assert not latches.is_new("/policy", 1, True)
    assert not latches.is_new("/policy", 1, False)  # reset
    assert latches.is_new("/policy", 2, False)  # and latched and reset between two reports
    assert not latches.is_new("/policy", 0, False)  # started anew
    assert latches.is_new("/policy", 1, True)


def test_of_latches_before_the_recorder_only_one_that_holds_is_new():
    latches = Latches()
    assert not latches.is_new("/policy", 3, False)
    assert latches.is_new("/guard", 3, True)
    assert not latches.is_new("/guard", 3, True)
