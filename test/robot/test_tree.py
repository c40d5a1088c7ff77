"""Which joints make an arm, and where the others stand."""

import math

import numpy as np
import pytest

from ddpg_ros.build import build_arm
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, RobotError
from ddpg_ros.robot.arm import Robot
from test.dotted import dotted
from test.robot.test_arm import AXIS_Z, LIMIT, TWO_LINKS, joint

MIMIC = '<mimic joint="left" multiplier="-1"/>'
HAND = (
    joint("a", "base", "arm", inside=AXIS_Z + LIMIT)
    + joint("left", "arm", "l", xyz="0.2 0 0")
    + joint("right", "arm", "r", inside=MIMIC, xyz="0.2 0 0")
)


@pytest.fixture
def load(tmp_path):
    """Return a function that writes a URDF and loads it."""

    def write_and_load(urdf_joints, **choices):
        file = tmp_path / "arm.urdf"
        file.write_text(f'<robot name="arm">{urdf_joints}</robot>')
        return Robot.load(str(file), **choices)

    return write_and_load


def test_joints_are_commanded_from_base_to_tip_in_whatever_order_the_file_has_them(load):
    upper, fore, tip = TWO_LINKS.replace("</joint>", "</joint>|").split("|")[:3]
    assert load(tip + fore + upper).joints == ("shoulder", "elbow")
    assert load(tip + fore + upper, joints=["elbow", "shoulder"]).joints == ("elbow", "shoulder")


def test_a_gripper_of_a_joint_and_one_that_mimics_it_is_held_and_the_arm_is_commanded(load):
    robot = load(HAND)
    assert robot.joints == ("a",)
    assert robot.held == {"left": 0.0, "right": 0.0}
    assert robot.tip == "l"


def test_a_gripper_is_commanded_where_it_is_named(load):
    assert load(HAND, joints=["a", "left"]).joints == ("a", "left")


def test_a_jaw_that_nothing_mimics_is_a_gripper_by_its_name(load):
    jaw = joint("jawDrive", "c", "d")
    assert load(joint("a", "base", "b") + joint("wrist", "b", "c") + jaw).joints == ("a", "wrist")
    assert load(jaw).joints == ("jawDrive",)
    finger = joint("finger_1", "base", "b") + joint("finger_2", "b", "c")
    assert load(finger).joints == ("finger_1", "finger_2")


def test_joints_that_slide_are_commanded_within_the_arm_and_held_as_two_fingers(load):
    slide = '<axis xyz="0 0 1"/><limit effort="9" velocity="1" lower="-0.1" upper="0.1"/>'
    quill = joint("a", "base", "b") + joint("quill", "b", "c", "prismatic", slide)
    robot = load(quill)
    assert (robot.joints, robot.kinds) == (("a", "quill"), ("revolute", "prismatic"))
    assert robot.sliding.tolist() == [False, True]
    assert robot.tip_position(np.array([0.0, 0.05])) == pytest.approx([0.0, 0.0, 0.05])
    fingers = joint("l", "c", "d", "prismatic", slide) + joint("r", "c", "e", "prismatic", slide)
    assert load(quill + fingers).joints == ("a", "quill")


def test_two_fingers_with_a_motor_each_are_held(load):
    fingers = joint("left", "arm", "l") + joint("right", "arm", "r")
    assert load(joint("a", "base", "arm") + fingers).joints == ("a",)


def test_a_joint_within_the_arm_that_a_linkage_mimics_is_commanded(load):
    rod = joint("rod", "b", "c", inside='<mimic joint="a"/>')
    assert load(joint("a", "base", "b") + rod + joint("d", "b", "e")).joints == ("a", "d")


LEVEL = (  # a palletiser: a parallelogram keeps the hand level
    joint("lift", "base", "arm", inside=AXIS_Z + LIMIT)
    + joint("level", "arm", "hand", inside=AXIS_Z + MIMIC.replace("left", "lift"), xyz="0.5 0 0")
    + joint("flange", "hand", "tip", "fixed", "", xyz="0.1 0 0")
)


def test_a_joint_that_mimics_a_commanded_one_on_the_way_to_the_tip_is_refused(load):
    with pytest.raises(
        RobotError, match=r"'level', on the way to the tip tip, mimics 'lift'.*\(ar"
    ):
        load(LEVEL)
    turned = load(LEVEL, tip="arm").tip_position(np.array([math.pi / 2]))
    assert turned == pytest.approx([0.0, 0.0, 0.0])


def test_a_joint_that_mimics_a_mimic_of_a_commanded_one_is_refused_too(load):
    again = joint("again", "hand", "end", inside='<mimic joint="level"/>')
    with pytest.raises(RobotError, match=r"'level', on the way to the tip end, mimics 'lift'"):
        load(LEVEL + again, tip="end")
    beside = joint("rod", "arm", "rod_end", inside='<mimic joint="lift"/>')
    more = joint("rod2", "rod_end", "end", inside='<mimic joint="level"/>')
    with pytest.raises(RobotError, match="'rod', on the way to the tip end, mimics 'lift'"):
        load(LEVEL + beside + more, tip="end")


def test_a_tip_behind_the_mimic_of_a_joint_that_is_held_is_where_the_mimic_puts_it(load):
    turn = joint("turn", "base0", "base", inside=AXIS_Z + LIMIT)
    lift = LEVEL.replace('multiplier="-1"', 'multiplier="1" offset="0.5"')
    robot = load(turn + lift, joints=["turn"], tip="tip")
    expected = [0.5 + 0.1 * math.cos(0.5), 0.1 * math.sin(0.5), 0.0]
    assert robot.tip_position(np.zeros(1)) == pytest.approx(expected)


def test_what_is_not_on_the_way_to_the_tip_is_held(load):
    camera = joint("pan", "upper", "camera")
    wrist = joint("wrist", "tip", "hand")
    assert load(camera + TWO_LINKS + wrist).joints == ("shoulder", "elbow", "wrist")
    assert load(camera + TWO_LINKS, tip="camera").joints == ("shoulder", "pan")
    assert load(camera + TWO_LINKS, tip="camera").held == {"elbow": 0.0}


def test_a_named_joint_that_does_not_move_the_tip_is_refused_unless_it_is_a_finger_of_it(load):
    camera = joint("pan", "upper", "camera")
    with pytest.raises(RobotError, match=r"'pan', which is not on the way from base to the tip t"):
        load(camera + TWO_LINKS, joints=["shoulder", "elbow", "pan"], tip="tip")
    finger = joint("squeeze", "fore", "finger")
    robot = load(finger + TWO_LINKS, joints=["shoulder", "squeeze", "elbow"], tip="tip")
    ahead = robot.tip_position(np.array([0.0, 1.0, math.pi / 2]))
    assert ahead == pytest.approx(np.array([0.3, 0.2, 0.5]), abs=1e-12)


def test_two_arms_on_a_torso_are_no_fingers_of_it(load):
    torso = joint("torso", "base", "chest")
    arm = joint("{0}1", "chest", "{0}b") + joint("{0}2", "{0}b", "{0}c")
    with pytest.raises(RobotError, match=r"2 chains of 2 joints.*robot\.tip .* \(lc, rc\)"):
        load(torso + arm.format("l") + arm.format("r"))
    robot = load(torso + arm.format("l") + arm.format("r"), tip="rc")
    assert robot.joints == ("torso", "r1", "r2")


def test_two_arms_are_refused_with_the_tips_to_choose_from(load):
    other = TWO_LINKS
    for name in ("shoulder", "elbow", "tip_joint", "upper", "fore", "tip"):
        other = other.replace(f'"{name}"', f'"{name}_2"')
    with pytest.raises(RobotError, match=r"2 chains of 2 joints.*robot\.tip .* \(tip, tip_2\)"):
        load(TWO_LINKS + other)
    assert load(TWO_LINKS + other, tip="tip_2").joints == ("shoulder_2", "elbow_2")


@pytest.mark.parametrize(
    ("inside", "rest"),
    [
        ('<limit lower="0.4" upper="1"/>', 0.4),
        ('<limit lower="-1" upper="-0.4"/>', -0.4),
        ('<limit lower="-1" upper="1"/>', 0.0),
        ("", 0.0),
        ('<limit lower="-3" upper="3"/><mimic joint="lift" multiplier="2" offset="0.5"/>', 2.5),
        ('<limit lower="-3" upper="2"/><mimic joint="lift" multiplier="2" offset="0.5"/>', 2.0),
    ],
)
def test_a_joint_that_is_not_commanded_stands_as_near_to_zero_as_its_limits_let_it(
    load, inside, rest
):
    lift = joint("lift", "b", "c", inside=AXIS_Z + '<limit lower="1" upper="2"/>')
    robot = load(
        joint("a", "base", "b", inside=AXIS_Z + LIMIT)
        + lift
        + joint("held", "c", "d", inside=AXIS_Z + inside)
        + joint("f", "d", "tip", "fixed", "", xyz="1 0 0"),
        joints=["a"],
        tip="tip",
    )
    assert robot.held == {"lift": 1.0, "held": rest}
    angle = 0.3 + 1.0 + rest
    expected = [math.cos(angle), math.sin(angle), 0.0]
    assert robot.tip_position(np.array([0.3])) == pytest.approx(expected, abs=1e-12)


def test_a_prismatic_joint_is_held_where_it_is_and_its_stretch_counts(load):
    slide = joint(
        "slide", "b", "c", "prismatic", '<axis xyz="0 0 1"/><limit lower="0.2" upper="1"/>'
    )
    robot = load(joint("a", "base", "b", inside=AXIS_Z + LIMIT) + slide, joints=["a"])
    assert robot.tip_position(np.zeros(1)) == pytest.approx([0, 0, 0.2])
    assert robot.reach == pytest.approx(0.2)
    assert "assumed to stand still: slide (prismatic) at 0.2 m" in robot.describe()


@pytest.mark.parametrize("kind", ["planar", "floating"])
def test_only_a_joint_that_turns_or_slides_can_be_commanded(load, kind):
    other = joint("x", "b", "c", kind)
    assert load(joint("a", "base", "b") + other).joints == ("a",)
    with pytest.raises(
        RobotError, match=f"robot.joints names 'x', a {kind} joint of .*urdf; this"
    ):
        load(joint("a", "base", "b") + other, joints=["a", "x"])


def test_a_joint_of_an_unknown_type_is_refused(load):
    with pytest.raises(
        RobotError, match="joint 'x' is of type 'sliding'; expected one of revolute"
    ):
        load(joint("a", "base", "b") + joint("x", "b", "c", "sliding"))


def test_a_joint_that_mimics_another_cannot_be_commanded(load):
    with pytest.raises(
        RobotError, match="names 'right', which has no motor of its own: it mimics"
    ):
        load(HAND, joints=["a", "right"])


@pytest.mark.parametrize(
    ("joints", "sentence"),
    [
        (
            joint("x", "b", "c", inside='<mimic joint="lefd"/>') + joint("left", "c", "d"),
            "'left'?",
        ),
        (
            joint("x", "b", "c", inside='<mimic joint="y"/>')
            + joint("y", "c", "d", inside='<mimic joint="x"/>'),
            "in a circle",
        ),
        (joint("x", "b", "c", inside='<mimic joint="a" multiplier="two"/>'), 'multiplier="two"'),
    ],
)
def test_a_mimic_that_cannot_be_is_refused(load, joints, sentence):
    with pytest.raises(RobotError, match=sentence.replace("?", r"\?")):
        load(joint("a", "base", "b") + joints)


@pytest.mark.parametrize(
    ("joints", "sentence"),
    [
        (joint("d", "other", "e"), "several base links: base, other"),
        (joint("d", "base", "b"), "link 'b' is the child of the joints 'a' and 'd'"),
        (joint("d", "x", "y") + joint("e", "y", "x"), "form a loop"),
    ],
)
def test_links_that_are_no_tree_are_refused(load, joints, sentence):
    with pytest.raises(RobotError, match=sentence):
        load(joint("a", "base", "b") + joints)


def test_a_tip_without_a_joint_on_the_way_is_refused(load):
    stand = joint("stand", "base", "camera", "fixed", "")
    with pytest.raises(
        RobotError, match="no joint that moves on the way from base to the tip cam"
    ):
        load(TWO_LINKS + stand, tip="camera")


def test_the_arm_is_said_in_a_line(load):
    assert load(HAND).describe() == (
        "arm: joints in order a (revolute); tip l; not commanded, assumed to stand still: left "
        "(revolute) at 0 rad, right (revolute, mimics left) at 0 rad"
    )


def test_torques_without_names_need_the_joints_written_out():
    array = {"control__command_interface": "effort_array"}
    with pytest.raises(ConfigError, match=r"the URDF has robot\.joints: \[shoulder, elbow\]"):
        build_arm(Config().with_parameters(dotted(**array)))
    robot, _, _ = build_arm(
        Config().with_parameters(dotted(**array, robot__joints=["elbow", "shoulder"]))
    )
    assert robot.joints == ("elbow", "shoulder")
