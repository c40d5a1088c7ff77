"""The robot: forward kinematics by hand, and descriptions that are refused."""

import math
import re

import numpy as np
import pytest

from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot

LIMIT = '<limit effort="5" velocity="8" lower="-1" upper="2"/>'


def joint(name, parent, child, kind="revolute", inside=LIMIT, xyz="0 0 0", rpy="0 0 0"):
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}" rpy="{rpy}"/>{inside}</joint>'
    )


AXIS_Z = '<axis xyz="0 0 2"/>'  # of any length
TWO_LINKS = (
    joint("shoulder", "base", "upper", inside=AXIS_Z + LIMIT, xyz="0 0 0.5")
    + joint("elbow", "upper", "fore", inside=AXIS_Z + LIMIT, xyz="0.3 0 0")
    + joint("tip_joint", "fore", "tip", kind="fixed", inside="", xyz="0.2 0 0")
)


@pytest.fixture
def load(tmp_path):
    """Return a function that writes a URDF and loads it."""

    def write_and_load(urdf_joints, **choices):
        file = tmp_path / "arm.urdf"
        file.write_text(f'<robot name="arm">{urdf_joints}</robot>')
        return Robot.load(str(file), **choices)

    return write_and_load


def test_names_and_limits_come_from_the_urdf(load):
    wide = '<limit effort="7" velocity="3" lower="-3" upper="3"/>'
    robot = load(joint("a", "base", "b") + joint("c", "b", "d", inside=wide))
    assert (robot.name, robot.joints) == ("arm", ("a", "c"))
    assert robot.lower.tolist() == [-1, -3]
    assert robot.upper.tolist() == [2, 3]
    assert robot.velocity_limit.tolist() == [8, 3]
    assert robot.effort_limit.tolist() == [5, 7]


def test_a_safety_controller_is_read_and_what_it_leaves_out_is_none(load):
    tag = '<safety_controller soft_lower_limit="-0.5" k_position="7" k_velocity="1.5"/>'
    robot = load(joint("a", "base", "b", inside=LIMIT + tag) + joint("c", "b", "d"))
    assert robot.safety == ((-0.5, None, 7.0, 1.5), (None, None, None, None))
    whole = '<safety_controller soft_upper_limit="0.75" k_velocity="0"/>'
    assert load(joint("a", "b", "c", inside=LIMIT + whole)).safety == ((None, 0.75, None, 0.0),)


@pytest.mark.parametrize("bad", ["often", "nan", "-inf", ""])
@pytest.mark.parametrize(
    "key", ["soft_lower_limit", "soft_upper_limit", "k_position", "k_velocity"]
)
def test_a_safety_controller_without_finite_numbers_is_refused(load, key, bad):
    tag = f'<safety_controller {key}="{bad}"/>'
    with pytest.raises(RobotError, match=rf"joint 'a' has <safety_controller {key}=\"{bad}\">"):
        load(joint("a", "base", "b", inside=LIMIT + tag))


def test_a_continuous_joint_has_no_position_limits(load):
    robot = load(joint("a", "b", "c", "continuous", '<limit effort="5" velocity="8"/>'))
    assert (robot.lower.tolist(), robot.upper.tolist()) == ([-math.inf], [math.inf])


@pytest.mark.parametrize(
    ("degrees", "tip"),
    [
        ((0, 0), (0.5, 0.0, 0.5)),
        ((90, 0), (0.0, 0.5, 0.5)),
        ((0, 90), (0.3, 0.2, 0.5)),
        ((90, -90), (0.2, 0.3, 0.5)),
        ((30, 60), (0.3 * math.sqrt(3) / 2, 0.15 + 0.2, 0.5)),
        ((180, 180), (-0.1, 0.0, 0.5)),
    ],
)
def test_the_fingertip_of_two_links_is_where_the_drawing_has_it(load, degrees, tip):
    position = load(TWO_LINKS).tip_position(np.radians(np.array(degrees, dtype=np.float64)))
    assert position == pytest.approx(np.array(tip), abs=1e-12)


@pytest.mark.parametrize(
    ("degrees", "seen"),
    [((0, 0), (-0.2, 0.4, 0.0)), ((90, 0), (-0.1, -0.3, 0.0)), ((0, 90), (0.2, 0.0, 0.0))],
)
def test_a_point_is_seen_from_the_tip_along_the_last_link_and_to_its_left(load, degrees, seen):
    point, position = np.array([0.3, 0.4, 0.5]), np.radians(np.array(degrees, dtype=np.float64))
    assert load(TWO_LINKS).seen_from_tip(position, point) == pytest.approx(
        np.array(seen), abs=1e-12
    )


@pytest.mark.parametrize(
    ("rpy", "where_x_goes", "where_y_goes"),
    [
        ("1.5707963267948966 0 0", (1, 0, 0), (0, 0, 1)),
        ("0 1.5707963267948966 0", (0, 0, -1), (0, 1, 0)),
        ("0 0 1.5707963267948966", (0, 1, 0), (-1, 0, 0)),
        # Roll about x first, then yaw about the fixed z: y → z → z.
        ("1.5707963267948966 0 1.5707963267948966", (0, 1, 0), (0, 0, 1)),
        # Roll, then pitch about the fixed y: y → z → x.
        ("1.5707963267948966 1.5707963267948966 0", (0, 0, -1), (1, 0, 0)),
    ],
)
def test_rpy_turns_about_the_fixed_axes_roll_first(load, rpy, where_x_goes, where_y_goes):
    for along, expected in (("1 0 0", where_x_goes), ("0 1 0", where_y_goes)):
        robot = load(
            joint("a", "base", "b", inside=AXIS_Z + LIMIT, rpy=rpy)
            + joint("f", "b", "tip", kind="fixed", inside="", xyz=along)
        )
        assert robot.tip_position(np.zeros(1)) == pytest.approx(np.array(expected), abs=1e-12)


def test_a_joint_turns_about_its_axis_in_its_own_turned_frame(load):
    # The frame is rolled by 90°, so its z points along −y of the base: x turns towards z.
    robot = load(
        joint("a", "base", "b", inside=AXIS_Z + LIMIT, rpy="1.5707963267948966 0 0")
        + joint("f", "b", "tip", kind="fixed", inside="", xyz="1 0 0")
    )
    tip = robot.tip_position(np.array([math.pi / 2]))
    assert tip == pytest.approx(np.array([0, 0, 1]), abs=1e-12)


def test_an_axis_that_is_not_given_is_x_as_urdf_has_it(load):
    robot = load(joint("a", "base", "b") + joint("f", "b", "tip", "fixed", "", xyz="0 1 0"))
    tip = robot.tip_position(np.array([math.pi / 2]))
    assert tip == pytest.approx(np.array([0, 0, 1]), abs=1e-12)


def test_the_caller_chooses_the_joints_and_their_order(load):
    robot = load(TWO_LINKS, joints=["elbow", "shoulder"], tip="tip")
    assert robot.joints == ("elbow", "shoulder")
    tip = robot.tip_position(np.array([math.pi / 2, 0.0]))
    assert tip == pytest.approx(np.array([0.3, 0.2, 0.5]), abs=1e-12)


def test_a_movable_joint_that_is_not_commanded_stands_at_zero(load):
    robot = load(TWO_LINKS, joints=["shoulder"])
    tip = robot.tip_position(np.array([math.pi / 2]))
    assert tip == pytest.approx(np.array([0, 0.5, 0.5]), abs=1e-12)


def test_the_tip_may_be_any_link(load):
    robot = load(TWO_LINKS, tip="fore")
    assert robot.tip_position(np.zeros(2)) == pytest.approx(np.array([0.3, 0, 0.5]))


def test_the_reach_is_the_length_of_the_stretched_chain(load):
    assert load(TWO_LINKS).reach == pytest.approx(0.5 + 0.3 + 0.2)


def test_the_reach_of_a_joint_that_slides_is_that_of_its_further_end(load):
    rail = '<axis xyz="1 0 0"/><limit effort="5" velocity="1" lower="-3" upper="2"/>'
    slider = joint("rail", "base", "cart", kind="prismatic", inside=rail, xyz="0.5 0 0")
    assert load(slider + joint("turn", "cart", "tip", xyz="0 0.25 0")).reach == 2.5 + 0.25


@pytest.mark.parametrize(
    ("limit", "missing"),
    [
        ("", "effort, velocity, lower, upper"),
        ('<limit velocity="1" lower="-1" upper="1"/>', "effort"),
        ('<limit effort="1" lower="-1" upper="1"/>', "velocity"),
        ('<limit effort="1" velocity="1"/>', "lower, upper"),
    ],
)
def test_a_joint_without_limits_is_refused(load, limit, missing):
    with pytest.raises(RobotError, match=rf"joint 'a' has no limit for {missing}; add <limit"):
        load(joint("a", "b", "c", inside=limit))


@pytest.mark.parametrize("limit", ["", 'effort="0" velocity="0"', 'effort="inf"'])
def test_settings_stand_in_for_an_effort_and_a_velocity_that_the_file_does_not_state(load, limit):
    arm = joint("a", "b", "c", inside=f'<limit {limit} lower="-1" upper="1"/>') + joint(
        "d", "c", "e"
    )
    robot = load(arm, efforts=[4.0, 1.0], velocities=[3.0, 2.0])
    assert robot.effort_limit.tolist() == [4.0, 5.0]  # what the file states, it keeps
    assert robot.velocity_limit.tolist() == [3.0, 8.0]
    with pytest.raises(RobotError, match=r"robot\.torque_limit and safety\.velocity_limit, one"):
        load(arm)
    with pytest.raises(RobotError, match="joint 'a'"):
        load(arm, efforts=[4.0], velocities=[3.0])


@pytest.mark.parametrize(
    "limit",
    [
        '<limit effort="0" velocity="1" lower="-1" upper="1"/>',
        '<limit effort="1" velocity="-1" lower="-1" upper="1"/>',
        '<limit effort="1" velocity="1" lower="1" upper="1"/>',
        '<limit effort="nan" velocity="1" lower="-1" upper="1"/>',
        '<limit effort="inf" velocity="1" lower="-1" upper="1"/>',
    ],
)
def test_a_limit_that_limits_nothing_is_refused(load, limit):
    with pytest.raises(RobotError, match="expected finite numbers with effort > 0"):
        load(joint("a", "b", "c", inside=limit))


@pytest.mark.parametrize("text", ["five", "5,5", "5 N", "", "1_0", "٥"])
def test_a_limit_that_is_no_number_is_refused_whatever_stands_in(load, text):
    with pytest.raises(RobotError, match=rf'joint .a. has <limit effort="{text}">; expected a nu'):
        load(joint("a", "b", "c", inside=LIMIT.replace('"5"', f'"{text}"')), efforts=[4.0])


@pytest.mark.parametrize(
    ("kind", "ends", "sentence"),
    [
        ("revolute", 'lower="-1e16" upper="1e16"', 'radians, none beyond 1000; .*="continuous"'),
        ("revolute", 'lower="-1" upper="1001"', "lower -1 and upper 1001"),
        ("prismatic", 'lower="-2500" upper="0"', "expected metres, none beyond 1000"),
    ],
)
def test_a_position_limit_that_no_joint_has_is_refused(load, kind, ends, sentence):
    with pytest.raises(RobotError, match=f"joint 'a' has the limits .*{sentence}"):
        load(joint("a", "b", "c", kind, f'<limit effort="5" velocity="8" {ends}/>'))


def test_a_joint_that_is_not_there_is_named_with_the_nearest_one(load):
    with pytest.raises(RobotError, match=r"no movable joint 'elbo'; did you mean 'elbow'\?"):
        load(TWO_LINKS, joints=["shoulder", "elbo"])


def test_a_fixed_joint_cannot_be_commanded(load):
    with pytest.raises(RobotError, match=r"no movable joint 'tip_joint'.*shoulder, elbow"):
        load(TWO_LINKS, joints=["tip_joint"])


def test_a_joint_named_twice_is_refused(load):
    with pytest.raises(RobotError, match="'elbow' twice"):
        load(TWO_LINKS, joints=["elbow", "elbow"])
    with pytest.raises(RobotError, match="two joints 'a'"):
        load(joint("a", "b", "c") + joint("a", "c", "d"))


def test_a_tip_that_is_not_there_is_named_with_the_nearest_one(load):
    with pytest.raises(RobotError, match=r"no link 'tipp' .*did you mean 'tip'\?"):
        load(TWO_LINKS, tip="tipp")


def test_a_urdf_without_a_movable_joint_is_refused(load):
    with pytest.raises(RobotError, match="no revolute, continuous or prismatic joint"):
        load(joint("a", "b", "c", kind="fixed"))


@pytest.mark.parametrize("xyz", ["0 0", "0 q 0", "0 nan 0", "0 inf 0", "0 0 0 0"])
def test_an_origin_that_is_not_three_finite_numbers_is_refused(load, xyz):
    with pytest.raises(RobotError, match=f"joint 'a' has <origin xyz=\"{xyz}\">; expected three"):
        load(joint("a", "b", "c", xyz=xyz))


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ({"xyz": "0.3, 0, 0"}, "a point for decimals and spaces between numbers"),
        ({"xyz": "0,3 0 0"}, "a point for decimals and spaces between numbers"),
        ({"xyz": "0 0 1e300"}, r'<origin xyz="0 0 1e\+300">; expected metres, none beyond 1000'),
        ({"rpy": "0 2000 0"}, r'<origin rpy="0 2000 0">; expected radians, none beyond 1000'),
    ],
)
def test_an_origin_that_no_part_of_an_arm_is_at_is_refused(load, place, sentence):
    with pytest.raises(RobotError, match=f"joint 'a' has .*{sentence}"):
        load(joint("a", "b", "c", **place))


@pytest.mark.parametrize("length", ["1e-200", "2", "1e200"])
def test_an_axis_may_be_of_any_length(load, length):
    arm = joint("a", "base", "b", inside=f'<axis xyz="0 0 {length}"/>{LIMIT}')
    robot = load(arm + joint("f", "b", "tip", "fixed", "", xyz="1 0 0"))
    assert robot.tip_position(np.array([math.pi / 2])) == pytest.approx([0, 1, 0], abs=1e-12)


def test_an_axis_without_a_direction_is_refused(load):
    with pytest.raises(RobotError, match="joint 'a' has the axis 0 0 0"):
        load(joint("a", "b", "c", inside='<axis xyz="0 0 0"/>' + LIMIT))


def test_a_joint_that_does_not_move_needs_no_axis(load):
    fixed = joint("a", "b", "c", kind="fixed", inside='<axis xyz="0 0 0"/>', xyz="0 0 0.5")
    robot = load(fixed + joint("d", "c", "e", inside=AXIS_Z + LIMIT))
    assert robot.tip_position(np.array([0.3])).tolist() == [0, 0, 0.5]


def test_the_arms_that_pybullet_brings_are_found_by_their_path_within_its_data():
    pytest.importorskip("pybullet_data")
    robot = Robot.load("franka_panda/panda.urdf", tip="panda_grasptarget")
    assert robot.joints == tuple(f"panda_joint{number}" for number in range(1, 8))
    assert robot.effort_limit.tolist() == [87, 87, 87, 87, 12, 12, 12]


@pytest.mark.parametrize(
    ("inside", "sentence"),
    [
        (LIMIT + LIMIT, "the joint 'a' has <limit> twice; expected it once"),
        (LIMIT + "<origin/>", "the joint 'a' has <origin> twice"),
        (LIMIT + AXIS_Z + '<axis xyz="1 0 0"/>', "the joint 'a' has <axis> twice"),
        (LIMIT + "<mimic/>", "joint 'a' has no joint in its <mimic>; add joint="),
        (LIMIT + '<mimic joint="" offset="1"/>', "joint 'a' has no joint in its <mimic>"),
    ],
)
def test_what_a_joint_says_twice_or_leaves_open_is_refused(load, inside, sentence):
    with pytest.raises(RobotError, match=sentence):
        load(joint("a", "base", "b", inside=inside))


@pytest.mark.parametrize("tag", ["inertial", "mass", "inertia", "origin"])
def test_a_link_that_is_weighed_twice_is_refused(load, tag):
    once = {
        "mass": '<mass value="1"/>',
        "inertia": '<inertia ixx="1" iyy="1" izz="1"/>',
        "origin": '<origin xyz="0 0 0"/>',
    }
    inner = "".join(once.values())
    twice = f"<inertial>{inner}{once.get(tag, '')}</inertial>"
    link = f'<link name="b">{twice * (2 if tag == "inertial" else 1)}</link>'
    with pytest.raises(RobotError, match=f"the link 'b' has <{tag}> twice; expected it once"):
        load(link + joint("a", "base", "b"))


@pytest.mark.parametrize("name", [" a", "a ", "   ", "a&#10;b", "a&#9;b"])
def test_a_name_that_looks_like_another_is_refused(load, name):
    with pytest.raises(RobotError, match=r"has the joint name .*; expected no spaces at its ends"):
        load(joint(name, "base", "b"))


@pytest.mark.parametrize("name", ["my joint", "Gelenk_ä_関節", "🦾", "a/b", "yes", "1e3"])
def test_a_name_may_be_of_any_script(load, name):
    assert load(joint(name, "base", "b")).joints == (name,)


def test_a_joint_that_hangs_on_nothing_is_refused(load):
    with pytest.raises(RobotError, match="joint 'a' has no parent; add <parent link=\"…\"/>"):
        load(f'<joint name="a" type="revolute"><child link="b"/>{LIMIT}</joint>')


@pytest.mark.parametrize("tip", ["", "b"])
def test_joints_in_a_loop_are_refused(load, tip):
    with pytest.raises(RobotError, match="form a loop"):
        load(joint("a", "b", "c") + joint("d", "c", "b"), tip=tip)


URDF = '<robot name="a"><link name="b"/></robot>'


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty; expected a URDF"),
        (b" \n", "is empty; expected a URDF"),
        (b"robot", r"is not XML .*; expected a URDF"),
        (b"<robot>", r"is not XML .*; expected a URDF"),
        (b'<?xml version="1.0" encoding="x"?><a/>', r"is not XML .*; expected a URDF"),
        ('<robot name="\u00e4"/>'.encode("latin1"), "save it as UTF-8, or name its encoding"),
        (b"PK\x03\x04\x14\x00", "is a ZIP archive; unpack it"),
        (b"\x1f\x8b\x08", "is a gzip archive; unpack it"),
        (b"<sdf/>", "holds <sdf>; expected a URDF's <robot>. It is an SDF, Gazebo's format; give"),
        (b"<mujoco/>", "holds <mujoco>.* MuJoCo's format; give the URDF"),
        (b"<html><body/></html>", "holds <html>.*a web page; download the file itself"),
        (b"<other/>", "holds <other>; expected a URDF's <robot>.$"),
        (b'<robot name="a"><group name="arm"/></robot>', "is an SRDF"),
        (b'<robot name="a"/>', "has a <robot> without links and joints"),
        (URDF.replace("robot n", 'robot xmlns="urn:x" n').encode(), 'has xmlns="urn:x" in'),
        (URDF.replace(' name="b"', "").encode(), "has a link without a name"),
    ],
)
def test_a_file_that_is_no_urdf_is_refused_with_what_it_is(tmp_path, data, sentence):
    file = tmp_path / "arm.urdf"
    file.write_bytes(data)
    with pytest.raises(RobotError, match=rf"arm\.urdf .*{sentence}"):
        Robot.load(str(file))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_urdf_with_the_mark_of_its_encoding_is_read(tmp_path, encoding):
    file = tmp_path / "arm.urdf"
    file.write_bytes(f'<robot name="\u00e4">{TWO_LINKS}</robot>'.encode(encoding))
    assert Robot.load(str(file)).name == "\u00e4"


@pytest.mark.parametrize("urdf", ["no_such_arm", "/no/such/arm.urdf", "."])
def test_a_urdf_that_is_not_there_is_refused(urdf):
    with pytest.raises(RobotError, match=f"no URDF '{urdf}'; robot.urdf takes the path"):
        Robot.load(urdf)


@pytest.mark.parametrize("effort", [7, 7.0, [7, 7]])
def test_one_number_stands_in_for_all_limits_that_a_file_lacks(tmp_path, effort):
    text = Robot.load("reacher2").source.decode()
    (tmp_path / "arm.urdf").write_text(re.sub('effort="[^"]*"', "", text))
    arm = Robot.load(str(tmp_path / "arm.urdf"), efforts=effort)
    assert arm.effort_limit.tolist() == [7.0, 7.0]
