"""Recordings that cannot be used are refused in a sentence; none is half used."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy")

from ddpg_ros.errors import RecordingError
from ddpg_ros.recording.bag import METADATA
from ddpg_ros.recording.episodes import episodes_of
from ddpg_ros.recording.reading import files_of, read_recording
from ddpg_ros.recording.step_messages import is_wanted
from test.recordings import (
    ABOUT,
    COMMAND,
    GUARDED,
    JOINTS,
    PERIOD,
    STEP,
    an_episode,
    contents_of,
    joint_state,
    step_bytes,
    torque_bytes,
    write_bag,
)

EPISODE = an_episode(length=6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a whole file."""
    folder = write_bag(tmp_path_factory.mktemp("whole") / "bag", contents_of(EPISODE))
    return (folder / "bag_0.mcap").read_bytes()


def episodes_in(path):
    return episodes_of(read_recording(path, is_wanted), JOINTS)


def refusal(path, joints=JOINTS):
    """The sentence: one line, and it names the file."""
    with pytest.raises(RecordingError) as raised:
        episodes_of(read_recording(path, is_wanted), joints)
    sentence = str(raised.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_file_a_bag_and_a_folder_of_bags_hold_the_same(tmp_path):
    bag = write_bag(tmp_path / "recordings" / "bag", contents_of(EPISODE))
    for path in (bag / "bag_0.mcap", bag, tmp_path / "recordings"):
        (stretch,) = episodes_in(path).stretches
        assert [step.state.stamp for step in stretch] == [PERIOD * n for n in range(1, 7)]


@settings(deadline=None)
@given(st.data())
def test_fault_84_every_length_of_a_file_that_is_cut_off_is_refused(whole, tmp_path_factory, data):
    length = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path_factory.mktemp("cut") / "cut.mcap"
    path.write_bytes(whole[:length])
    sentence = refusal(path)
    assert "is cut off" in sentence or "is no MCAP file" in sentence


@settings(deadline=None)
@given(st.data())
def test_fault_84_a_flipped_bit_is_refused_or_changes_nothing(whole, tmp_path_factory, data):
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    spoilt = bytearray(whole)
    spoilt[at] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "flipped.mcap"
    path.write_bytes(spoilt)
    try:
        (stretch,) = episodes_in(path).stretches
    except RecordingError as error:
        assert str(path) in str(error)
        return
    for step, true in zip(stretch, EPISODE[0], strict=False):
        assert np.array_equal(step.state.position, true.position)
        assert np.array_equal(step.torque, EPISODE[1][true.stamp])


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "any.mcap"
    path.write_bytes(content)
    refusal(path)


def test_a_recording_without_steps_says_which_topic_is_missing(tmp_path):
    bag = write_bag(tmp_path / "b", [(COMMAND, torque_bytes(PERIOD, (0.0, 1.0)))])
    sentence = refusal(bag)
    assert "agent/step" in sentence
    assert COMMAND in sentence


def test_a_recording_without_torques_says_which_topic_is_missing(tmp_path):
    bag = write_bag(tmp_path / "b", [(STEP, step_bytes(step)) for step in EPISODE[0]])
    assert "joint_command or guarded_command" in refusal(bag)


def test_other_joints_are_named(tmp_path):
    sentence = refusal(write_bag(tmp_path / "b", contents_of(EPISODE)), ("hip", "knee"))
    assert "shoulder, elbow" in sentence
    assert "hip, knee" in sentence


def test_joints_in_another_order_are_put_into_ours(tmp_path):
    bag = write_bag(tmp_path / "b", contents_of(EPISODE))
    (stretch,) = episodes_of(read_recording(bag, is_wanted), JOINTS[::-1]).stretches
    for step, true in zip(stretch, EPISODE[0], strict=False):
        assert list(step.state.position) == list(true.position[::-1])
        assert list(step.torque) == list(EPISODE[1][true.stamp][::-1])


def test_a_goal_of_joints_is_put_into_our_order_by_name(tmp_path):
    step = EPISODE[0][0]
    names = ["elbow", "shoulder", "goal/elbow", "goal/shoulder"]
    said = [1.0, 2.0, 3.0, 4.0]
    steps = [
        (STEP, joint_state(at.stamp, at.place.text(), names, said, said, said))
        for at in EPISODE[0]
    ]
    torques = [(COMMAND, torque_bytes(step.stamp, (0.5, 0.25)))]
    ((first,),) = episodes_in(write_bag(tmp_path / "b", steps + torques)).stretches
    assert list(first.state.position) == [2.0, 1.0]
    assert list(first.goal) == list(first.next_goal) == [4.0, 3.0]


def test_the_torques_of_a_guard_node_count_before_those_of_the_policy(tmp_path):
    guarded = [(GUARDED, torque_bytes(s, t / 4)) for s, t in EPISODE[1].items()]
    bag = write_bag(tmp_path / "b", contents_of(EPISODE) + guarded)
    (stretch,) = episodes_in(bag).stretches
    assert [list(step.torque) for step in stretch] == [list(t / 4) for t in EPISODE[1].values()]


def test_processes_whose_stamps_begin_anew_keep_their_own_torques(tmp_path):
    resumed = an_episode(length=6, seed=5, run="fedcba98")  # the same stamps in lock-step
    lost = EPISODE[0][2].stamp
    sent = {stamp: torque for stamp, torque in EPISODE[1].items() if stamp != lost}
    write_bag(tmp_path / "first", contents_of((EPISODE[0], sent)))
    write_bag(tmp_path / "second", contents_of(resumed))
    found = episodes_in(tmp_path)
    assert [len(stretch) for stretch in found.stretches] == [2, 3, 6]
    assert found.without_torque == 1
    first = [step.torque for stretch in found.stretches[:2] for step in stretch]
    assert np.array_equal(first, list(sent.values()))
    last = [step.torque for step in found.stretches[2]]
    assert np.array_equal(last, list(resumed[1].values()))


def test_an_episode_that_two_overlapping_bags_hold_counts_once_with_the_torques_of_both(tmp_path):
    steps, torques = EPISODE
    write_bag(tmp_path / "a", contents_of((steps[:4], torques)))
    write_bag(tmp_path / "b", contents_of((steps[3:], torques)))
    found = episodes_in(tmp_path)
    assert [len(stretch) for stretch in found.stretches] == [6]
    assert (found.episodes, found.without_torque) == (1, 0)


def test_a_bag_without_a_guard_node_has_the_torques_of_the_node_beside_one_with_a_guard(tmp_path):
    behind = an_episode(length=3, seed=2, run="fedcba98", start=100 * PERIOD)
    guarded = [(GUARDED, torque_bytes(stamp, t / 4)) for stamp, t in behind[1].items()]
    write_bag(tmp_path / "a", contents_of(EPISODE))
    write_bag(tmp_path / "b", contents_of(behind) + guarded)
    alone, second = episodes_in(tmp_path).stretches
    assert np.array_equal([step.torque for step in alone], list(EPISODE[1].values()))
    assert np.array_equal([s.torque for s in second], [t / 4 for t in behind[1].values()])


ARRAY = "std_msgs/msg/Float64MultiArray"


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("/forward_effort_controller/commands", {}),
        ("/left/forward_effort_controller/commands", {}),
        ("/arm_controller/commands", ABOUT),  # our recorder hears the arm's controller alone
    ],
)
def test_torques_before_a_guard_that_sends_arrays_are_not_taken_for_those_of_the_motors(
    tmp_path, name, about
):
    contents = [*contents_of(EPISODE), (name, b"")]
    sentence = refusal(write_bag(tmp_path / "b", contents, about, {name: ARRAY}))
    assert f"what reached the motors is on {name}, without stamps" in sentence
    assert "joint_command is before the guard node" in sentence


@pytest.mark.parametrize(
    ("name", "about"), [("/agent/episode", ABOUT), ("/gripper_controller/commands", {})]
)
def test_arrays_of_something_else_are_no_torques_of_the_arm(tmp_path, name, about):
    contents = [*contents_of(EPISODE), (name, b"")]
    found = episodes_in(write_bag(tmp_path / "b", contents, about, {name: ARRAY}))
    assert [len(stretch) for stretch in found.stretches] == [6]


def test_a_torque_that_the_watchdog_replaced_leaves_its_step_out(tmp_path):
    replaced = (COMMAND, torque_bytes(EPISODE[0][2].stamp, (0.0, 0.0)))
    found = episodes_in(write_bag(tmp_path / "b", [*contents_of(EPISODE), replaced]))
    assert [len(stretch) for stretch in found.stretches] == [2, 3]
    assert found.without_torque == 1


def test_a_torque_that_came_twice_counts_once(tmp_path):
    contents = contents_of(EPISODE)
    found = episodes_in(write_bag(tmp_path / "b", contents + contents))
    assert [len(stretch) for stretch in found.stretches] == [6]


@pytest.mark.parametrize("stamp", [0, -1_000_000_000])
def test_a_stamp_that_is_no_time_is_refused(tmp_path, stamp):
    steps = [EPISODE[0][0]._replace(stamp=stamp), *EPISODE[0][1:]]
    bag = write_bag(tmp_path / "b", contents_of((steps, EPISODE[1])))
    assert "which is no time" in refusal(bag)


def test_a_number_that_is_not_finite_is_refused(tmp_path):
    steps, torques = EPISODE
    spoilt = [steps[0]._replace(position=np.array([np.nan, 0.0])), *steps[1:]]
    assert "finite" in refusal(write_bag(tmp_path / "b", contents_of((spoilt, torques))))


def test_a_message_that_is_no_joint_state_is_refused(tmp_path):
    bag = write_bag(tmp_path / "b", [*contents_of(EPISODE), (STEP, b"\x00\x01\x00\x00nonsense")])
    assert "message 7 of /agent/step is no sensor_msgs/msg/JointState" in refusal(bag)


def test_steps_of_other_makers_are_not_ours(tmp_path):
    foreign = joint_state(PERIOD, "base_link", JOINTS, [0, 0], [0, 0], [0, 0])
    assert "holds no steps" in refusal(write_bag(tmp_path / "b", [(STEP, foreign)]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense: [", "is not what rosbag2 writes"),
        ("rosbag2_bagfile_information: {}", "is not what rosbag2 writes"),
        (
            "rosbag2_bagfile_information: {storage_identifier: sqlite3, relative_file_paths: [a]}",
            "stored as sqlite3; expected mcap",
        ),
        (
            "rosbag2_bagfile_information: {storage_identifier: mcap, "
            "relative_file_paths: [../../bag_7.mcap]}",
            "lacks bag_7.mcap",
        ),
    ],
)
def test_a_bag_with_a_metadata_file_that_does_not_hold_is_refused(tmp_path, text, expected):
    (tmp_path / METADATA).write_text(text)
    assert re.search(expected, refusal(tmp_path))


def test_a_pipe_among_the_files_of_a_folder_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "steps.mcap")
    assert "steps.mcap is a pipe or a device; expected a recording" in refusal(tmp_path)


def test_a_metadata_file_that_is_nested_too_deep_is_refused(tmp_path):
    (tmp_path / METADATA).write_text("[" * 100_000)
    assert "is not what rosbag2 writes" in refusal(tmp_path)


def test_what_is_no_recording_at_all_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds no recording" in refusal(tmp_path / "empty")
    assert "cannot be read" in refusal(tmp_path / "missing")
    with pytest.raises(RecordingError, match="pipe or a device"):
        files_of(Path("/dev/zero"))
    (tmp_path / "text.mcap").write_text("no recording")
    assert "is no MCAP file" in refusal(tmp_path / "text.mcap")
