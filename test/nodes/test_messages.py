"""Joint states to arrays: by name, whatever the order, and never patched up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState

from ddpg_ros.errors import JointStateError
from ddpg_ros.nodes.messages import JointMap, set_stamp, stamp_to_ns

JOINTS = ["shoulder", "elbow", "wrist"]
VALUES = {  # position [rad], velocity [rad/s], effort [N·m]
    "shoulder": (0.1, 1.1, 2.1),
    "elbow": (0.2, 1.2, 2.2),
    "wrist": (0.3, 1.3, 2.3),
    "gripper": (0.4, 1.4, 2.4),
    "wheel": (math.nan, math.inf, -math.inf),  # what we do not command may say what it likes
}


def message(names=JOINTS, **changes):
    position, velocity, effort = zip(*(VALUES[name] for name in names), strict=True)
    fields = {"name": list(names), "position": position, "velocity": velocity, "effort": effort}
    return JointState(**fields | changes)


orders = st.permutations(list(VALUES)).map(list) | st.permutations(JOINTS).map(list)


@given(st.lists(orders, min_size=1, max_size=4))
def test_order_extra_joints_and_a_change_between_messages_do_not_matter(sequence):
    joints = JointMap(JOINTS)
    for names in sequence:
        state = joints.state(message(names))
        assert state.position.tolist() == [0.1, 0.2, 0.3]
        assert state.velocity.tolist() == [1.1, 1.2, 1.3]
        assert joints.effort(message(names)).tolist() == [2.1, 2.2, 2.3]


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
        (message(velocity=[]), "3 names but 0 of velocity"),
        (message(position=[0.1, math.nan, 0.3]), "position is not finite: .*nan"),
        (message(velocity=[0.1, 0.2, math.inf]), "velocity is not finite: .*inf"),
        (message(velocity=[0.1, 0.2, -math.inf]), "velocity is not finite: .*-inf"),
    ],
)
def test_a_malformed_state_is_rejected_with_the_reason_and_the_next_one_is_taken(wrong, sentence):
    joints = JointMap(JOINTS)
    for _ in range(2):
        with pytest.raises(JointStateError, match=sentence):
            joints.state(wrong)
        assert joints.state(message()).position.tolist() == [0.1, 0.2, 0.3]


def test_a_command_without_torques_is_rejected():
    with pytest.raises(JointStateError, match="3 names but 0 of effort"):
        JointMap(JOINTS).effort(message(effort=[]))


@given(st.integers(0, 2**31 * 1_000_000_000 - 1))
def test_a_stamp_survives_the_message(stamp):
    carrier = JointState()
    set_stamp(carrier, stamp)
    assert stamp_to_ns(carrier) == stamp
