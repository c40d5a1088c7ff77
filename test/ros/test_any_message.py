"""Whatever bytes come: taken as rclpy takes them, or rejected, in time that grows with their size.

For longer: `python -m test.fuzz_messages -max_total_time=600`.
"""

import math
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy")

from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

from ddpg_ros.errors import ForeignJointsError, JointStateError
from ddpg_ros.ros.interface.messages import MOST_BYTES, JointMap, stamp_to_ns
from test.fuzz_messages import GOOD, JOINTS, SEEDS, check, joint_state, mutations

SECONDS = st.integers(-(2**31), 2**31 - 1)
NANOSECONDS = st.integers(0, 2**32 - 1)
DOUBLES = st.floats(width=64)
NAMES = st.lists(st.sampled_from([*JOINTS, "left_finger", "", "ä"]), max_size=5)


def test_fault_56_bytes_changed_at_random_are_read_as_rclpy_reads_them_or_rejected(capfd):
    for data in (*SEEDS, *mutations(56, 1_500)):
        check(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"\0\1\0\0")
def test_fault_56_bytes_that_mean_nothing_are_rejected(data):
    check(data)


@settings(deadline=None)
@given(NAMES, SECONDS, NANOSECONDS, *[st.lists(DOUBLES, max_size=5)] * 3)
def test_fault_56_messages_of_any_numbers_and_lengths_are_read_as_rclpy_reads_them_or_rejected(
    names, seconds, nanoseconds, position, velocity, effort
):
    message = JointState(name=names, position=position, velocity=velocity, effort=effort)
    message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
    check(serialize_message(message))


@settings(deadline=None)
@given(SECONDS, NANOSECONDS)
@example(2**31 - 1, 2**32 - 1)
@example(2**31 - 1, 10**9 - 1)
@example(-1, 0)
@example(0, 10**9)
def test_fault_54_a_stamp_is_a_time_that_can_be_written_again_or_rejected(seconds, nanoseconds):
    message = JointState(name=JOINTS, position=[0.0] * 2, velocity=[0.0] * 2, effort=[0.0] * 2)
    message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
    raw = serialize_message(message)
    joints = JointMap(JOINTS)
    joints.state(GOOD)  # the second form is read by the layout of this one
    for form in (message, raw):
        if seconds >= 0 and nanoseconds < 10**9:
            assert stamp_to_ns(form) == joints.state(form).stamp == joints.command(form)[0]
            assert divmod(stamp_to_ns(form), 10**9) == (seconds, nanoseconds)
            continue
        for read in (stamp_to_ns, joints.state, joints.command):
            with pytest.raises(JointStateError, match=f"stamp of {seconds} s and {nanoseconds} "):
                read(form)


def test_a_message_of_another_device_says_so_each_time_and_costs_the_next_of_ours_nothing():
    joints = JointMap(JOINTS)
    for _ in range(3):
        with pytest.raises(ForeignJointsError, match=r"no joint shoulder, elbow.*: left_finger$"):
            joints.state(joint_state(["left_finger"]))
        with pytest.raises(ForeignJointsError, match=r"it names: wheel, wheel$"):
            joints.state(joint_state(["wheel", "wheel"]))
        assert joints.state(GOOD).position.tolist() == [0.0, 0.1]


def test_a_state_without_velocity_says_what_the_driver_has_to_do():
    with pytest.raises(JointStateError, match=r"no velocity in the message.*velocity state inter"):
        JointMap(JOINTS).state(joint_state(JOINTS, velocity=0))


def names_message(count):
    return serialize_message(JointState(name=[f"{number:x}" for number in range(count)] * 2))


def test_fault_57_a_message_that_is_too_long_is_rejected_by_its_size():
    with pytest.raises(JointStateError, match=rf"bytes; expected at most {MOST_BYTES}"):
        JointMap(JOINTS).command(names_message(7_000))


def test_fault_57_the_time_for_a_message_grows_with_its_length_and_no_faster():
    def took(count):
        raw, times = names_message(count), []
        assert len(raw) < MOST_BYTES
        for _ in range(15):
            joints, begin = JointMap(["0", "1"]), time.thread_time()
            with pytest.raises(JointStateError, match="joints named twice: 0, 1, 2,"):
                joints.command(raw)
            times.append(time.thread_time() - begin)
        return min(times)

    took(400)
    assert took(3_200) < 3.0 * 8 * took(400)  # eight times as many; quadratic would be 64 times


def test_sentences_about_thousands_of_joints_stay_short():
    many = [f"joint_{number}_{'x' * 500}" for number in range(90)]
    for names in (many, many + JOINTS[:1], [*many, *many, *JOINTS]):
        raw = serialize_message(JointState(name=names))
        with pytest.raises(JointStateError) as caught:
            JointMap(JOINTS).state(raw if len(raw) < MOST_BYTES else JointState(name=names))
        assert len(str(caught.value)) < 700
        assert "more" in str(caught.value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_rejected_message_changes_nothing_for_the_next(number):
    joints = JointMap(JOINTS)
    message = JointState(name=JOINTS[::-1], position=[number, 1.0], velocity=[0.0, 0.0])
    with pytest.raises(JointStateError, match="position is not finite"):
        joints.state(serialize_message(message))
    assert joints.state(GOOD).position.tolist() == [0.0, 0.1]
    assert joints.command(GOOD)[1].tolist() == [2.0, 2.1]
