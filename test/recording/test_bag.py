"""A bag is what ros2 bag and Foxglove read, after each file and whatever happens to the next."""

import pytest

pytest.importorskip("rclpy")

import yaml
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from ddpg_ros.recording import bag as bag_module
from ddpg_ros.recording.bag import Bag, bags_in, make_room
from ddpg_ros.recording.messages import Message
from test.recordings import (
    COMMAND,
    JOINTS,
    STEP,
    an_episode,
    contents_of,
    topic,
    torque_bytes,
    write_bag,
)

STORE = get_typestore(Stores.ROS2_JAZZY)
TOPICS = {name: topic(name) for name in (STEP, COMMAND)}


def commands(count, begin=0, first=1):
    """Messages of commands, a millisecond apart [ns]."""
    return [
        Message(COMMAND, torque_bytes(first + at, (0.5, -0.25)), begin + 1_000_000 * at, begin)
        for at in range(count)
    ]


def test_rosbags_reads_topics_times_and_every_number(tmp_path):
    steps, torques = an_episode(length=4)
    write_bag(tmp_path / "bag", contents_of((steps, torques)))
    with Reader(tmp_path / "bag") as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        assert counts == {STEP: 5, COMMAND: 4}
        assert (reader.message_count, reader.duration) == (9, 8_000_001)
        read = [
            (c.topic, STORE.deserialize_cdr(raw, c.msgtype)) for c, _, raw in reader.messages()
        ]
        assert [c.ext.offered_qos_profiles[0].reliability.name for c in reader.connections] == [
            "RELIABLE",
            "RELIABLE",
        ]
    seen = [message for name, message in read if name == STEP]
    assert [message.header.stamp.nanosec for message in seen] == [step.stamp for step in steps]
    assert [list(m.effort[:2]) for m in seen] == [list(step.requested) for step in steps]
    sent = [message for name, message in read if name == COMMAND]
    assert [list(message.effort) for message in sent] == [list(t) for t in torques.values()]
    assert sent[0].name == list(JOINTS)


def test_the_file_has_the_profile_schema_and_index_that_rosbag2_and_foxglove_ask_for(tmp_path):
    write_bag(tmp_path / "bag", contents_of(an_episode(length=2)))
    with (tmp_path / "bag" / "bag_0.mcap").open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True)
        summary = reader.get_summary()
        assert reader.get_header().profile == "ros2"
        assert {s.encoding for s in summary.schemas.values()} == {"ros2msg"}
        assert {s.name for s in summary.schemas.values()} == {"sensor_msgs/msg/JointState"}
        assert {c.message_encoding for c in summary.channels.values()} == {"cdr"}
        assert summary.statistics.message_count == 5
        assert len(summary.chunk_indexes) == 1
        assert [m.metadata["task"] for m in reader.iter_metadata()] == ["reach"]
        offered = [
            yaml.safe_load(c.metadata["offered_qos_profiles"]) for c in summary.channels.values()
        ]
        assert all(one[0]["depth"] == 1 for one in offered)


def test_a_second_file_joins_the_first(tmp_path):
    bag = Bag(tmp_path / "b", {})
    bag.add_file(commands(3), TOPICS)
    bag.add_file(commands(2, begin=10_000_000), TOPICS)
    with Reader(tmp_path / "b") as reader:
        assert [t for _, t, _ in reader.messages()] == [
            0,
            1_000_000,
            2_000_000,
            10_000_000,
            11_000_000,
        ]


@pytest.mark.parametrize("suffix", [".mcap", ".yaml"])
def test_after_a_failed_write_the_bag_is_as_before(tmp_path, monkeypatch, suffix):
    bag = Bag(tmp_path / "b", {})
    bag.add_file(commands(3), TOPICS)
    whole = bag_module.write_whole

    def full(path, content):
        if path.suffix == suffix:
            raise OSError(28, "No space left on device")
        whole(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(bag_module, "write_whole", full)
        with pytest.raises(OSError, match="No space"):
            bag.add_file(commands(2), TOPICS)
    with Reader(tmp_path / "b") as reader:
        assert reader.message_count == 3
    assert len(list((tmp_path / "b").glob("*.mcap"))) == 1
    bag.add_file(commands(2, begin=5_000_000), TOPICS)
    with Reader(tmp_path / "b") as reader:
        assert reader.message_count == 5


def test_the_oldest_recordings_make_room_and_the_newest_file_stays(tmp_path):
    folders = tmp_path / "latch-20261130-193512", tmp_path / "latch-20261130-193512-2"
    first, second = (Bag(folder, {}) for folder in folders)
    others = [tmp_path / name for name in ("mine", "allegro_hand", "latch-test", "all-2026")]
    for other in others:
        other.mkdir()
        (other / "metadata.yaml").write_text("of somebody else")
    first.add_file(commands(50), TOPICS)
    second.add_file(commands(50), TOPICS)
    second.add_file(commands(50, begin=10**9), TOPICS)
    assert bags_in(tmp_path) == list(folders)
    assert make_room(tmp_path, 10**9, second) == []
    assert make_room(tmp_path, 1, second) == [folders[0]]
    with Reader(folders[1]) as reader:
        assert reader.message_count == 50
        assert reader.start_time == 10**9
    assert all((other / "metadata.yaml").exists() for other in others)
