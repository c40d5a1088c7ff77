"""Joint states to arrays: by name, whatever the order, and never patched up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy")

from rclpy.serialization import deserialize_message, serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

from ddpg_ros.errors import JointStateError
from ddpg_ros.ros.interface.cdr import layout_of
from ddpg_ros.ros.interface.messages import JointMap, JointStateWriter, clock_to_bytes, stamp_to_ns

JOINTS = ["shoulder", "elbow", "wrist"]
VALUES = {  # position [rad], velocity [rad/s], effort [N·m]
    "shoulder": (0.1, 1.1, 2.1),
    "elbow": (0.2, 1.2, 2.2),
    "wrist": (0.3, 1.3, 2.3),
    "gripper": (0.4, 1.4, 2.4),
    "wheel": (math.nan, math.inf, -math.inf),  # what we do not command may say what it likes
}


def set_stamp(message, stamp):
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)


def message(names=JOINTS, **changes):
    position, velocity, effort = zip(*(VALUES[name] for name in names), strict=True)
    fields = {"name": list(names), "position": position, "velocity": velocity, "effort": effort}
    return JointState(**fields | changes)


orders = st.permutations(list(VALUES)).map(list) | st.permutations(JOINTS).map(list)


@given(st.lists(orders, min_size=1, max_size=4))
@pytest.mark.parametrize("form", [lambda m: m, serialize_message], ids=["object", "bytes"])
def test_order_extra_joints_and_a_change_between_messages_do_not_matter(form, sequence):
    joints = JointMap(JOINTS)
    for names in [name for name in sequence for _ in range(2)]:
        state = joints.state(form(message(names)))
        assert state.position.tolist() == [0.1, 0.2, 0.3]
        assert state.velocity.tolist() == [1.1, 1.2, 1.3]
        assert joints.effort(form(message(names))).tolist() == [2.1, 2.2, 2.3]


def test_the_arrays_are_copies_that_the_caller_may_keep():
    joints = JointMap(JOINTS)
    first = joints.state(message())
    joints.state(message(position=(9.0, 9.0, 9.0)))
    assert first.position.tolist() == [0.1, 0.2, 0.3]
    assert first.position.dtype == first.velocity.dtype == np.float64


def test_an_empty_effort_in_a_state_is_allowed():
    assert JointMap(JOINTS).state(message(effort=[])).position.tolist() == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (message(["shoulder", "wrist", "gripper"]), "no joint elbow in the message; it names: sh"),
        (message(name=[], position=[], velocity=[]), "no joint shoulder, .*it names: none"),
        (message(name=["shoulder", "elbow", "elbow"]), "joints named twice: elbow"),
        (message([*JOINTS, "gripper", "gripper"]), "joints named twice: gripper"),
        (message(position=[0.1, 0.2]), "3 names but 2 of position"),
        (message(position=[0.1, 0.2, 0.3, 0.4]), "3 names but 4 of position"),
        (message(velocity=[1.0]), "3 names but 1 of velocity"),
        (message(velocity=[]), "there is no velocity in the message.*have the driver publish"),
        (message(position=[0.1, math.nan, 0.3]), "position is not finite: .*nan"),
        (message(velocity=[0.1, 0.2, math.inf]), "velocity is not finite: .*inf"),
        (message(velocity=[0.1, 0.2, -math.inf]), "velocity is not finite: .*-inf"),
    ],
)
def test_a_malformed_state_is_rejected_with_the_reason_and_the_next_one_is_taken(wrong, sentence):
    for form in (lambda message: message, serialize_message):
        joints = JointMap(JOINTS)
        for _ in range(2):
            with pytest.raises(JointStateError, match=sentence):
                joints.state(form(wrong))
            for _ in range(2):
                assert joints.state(form(message())).position.tolist() == [0.1, 0.2, 0.3]


def test_a_command_without_torques_is_rejected():
    with pytest.raises(JointStateError, match="3 names but 0 of effort"):
        JointMap(JOINTS).effort(message(effort=[]))


@given(st.integers(0, 2**31 * 1_000_000_000 - 1))
def test_a_stamp_survives_the_message(stamp):
    carrier = JointState()
    set_stamp(carrier, stamp)
    assert stamp_to_ns(carrier) == stamp


numbers = st.floats(allow_nan=False, allow_infinity=False)
names = st.lists(st.text("abcäé_1", min_size=1, max_size=9), min_size=1, max_size=8, unique=True)


@given(names, st.text("abcä", max_size=9), st.integers(0, 2**31 * 10**9 - 1), st.data())
def test_bytes_say_the_same_as_the_message_whatever_its_names_and_lengths(joints, frame, at, data):
    values = st.lists(numbers, min_size=len(joints), max_size=len(joints))
    position, velocity, effort = data.draw(values), data.draw(values), data.draw(values)
    whole = JointState(name=joints, position=position, velocity=velocity)
    whole.effort = data.draw(st.sampled_from([effort, []]))
    whole.header.frame_id = frame
    set_stamp(whole, at)
    raw = serialize_message(whole)
    assert layout_of(joints, len(joints), len(joints), len(whole.effort), frame).read(raw)
    mapped = JointMap(joints)
    for _ in range(2):  # the second time by the layout
        state = mapped.state(raw)
        assert (state.stamp, state.position.tolist(), state.velocity.tolist()) == (
            at,
            position,
            velocity,
        )
    assert stamp_to_ns(raw) == at


@given(names, st.integers(0, 2**31 * 10**9 - 1), st.booleans(), st.data())
def test_what_is_written_reads_as_the_message_that_was_meant(joints, at, efforts_only, data):
    values = st.lists(numbers, min_size=len(joints), max_size=len(joints))
    effort, position, velocity = data.draw(values), data.draw(values), data.draw(values)
    if efforts_only:
        position, velocity = [], []
    writer = JointStateWriter(joints, efforts_only=efforts_only)
    writer.write(0, [9.0] * len(joints), [9.0] * len(position), [9.0] * len(velocity))
    read = deserialize_message(writer.write(at, effort, position, velocity), JointState)
    expected = JointState(name=joints, position=position, velocity=velocity, effort=effort)
    set_stamp(expected, at)
    assert read == expected


def test_what_another_writer_leaves_in_the_gaps_does_not_matter():
    raw = bytearray(serialize_message(message(["shoulder", "elbow", "wrist"])))
    joints = JointMap(JOINTS)
    joints.state(bytes(raw))
    gap = raw.index(b"shoulder\0") + len(b"shoulder\0")
    raw[gap : gap + 3] = b"\xff\xff\xff"
    assert joints.state(bytes(raw)).position.tolist() == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("wrong", [b"", b"\0\1\0", b"\0\1\0\0" + b"\xff" * 40])
def test_bytes_that_are_no_joint_state_are_rejected(wrong):
    with pytest.raises(JointStateError, match="bytes are no joint state"):
        JointMap(JOINTS).state(wrong)


def test_bytes_written_another_way_round_are_read_too():
    big = b"\0\0\0\0" + (5).to_bytes(4, "big") + (7).to_bytes(4, "big")  # the stamp
    big += (1).to_bytes(4, "big") + b"\0" + b"\0" * 3  # no frame
    big += (1).to_bytes(4, "big") + (2).to_bytes(4, "big") + b"a\0\0\0"
    big += (1).to_bytes(4, "big") + b"\x3f\xf0" + b"\0" * 6  # 1.0
    big += (1).to_bytes(4, "big") + b"\0" * 4 + b"\x40\x00" + b"\0" * 6  # 2.0
    big += (0).to_bytes(4, "big")
    joints = JointMap(["a"])
    for _ in range(2):
        state = joints.state(big)
        assert (state.stamp, *state.position, *state.velocity) == (5_000_000_007, 1.0, 2.0)
    assert stamp_to_ns(big) == 5_000_000_007


def test_a_clock_as_bytes_is_what_rclpy_writes():
    for stamp in (0, 40_000_000, 1_795_000_000_123_456_789):
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(stamp, 1_000_000_000)
        assert clock_to_bytes(stamp) == serialize_message(message)
