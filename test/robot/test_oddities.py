"""What is odd about a file's numbers: other units, and what limits nothing."""

import re
from pathlib import Path

import numpy as np
import pytest

from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix, read_friction
from ddpg_ros.robot.loads import loads_of
from ddpg_ros.robot.oddities import oddities

FORE = """<link name="fore"><inertial><origin xyz="0.1 0 0"/><mass value="1"/>
<inertia ixx="0.005" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial>
<visual><geometry><box size="0.2 0.1 0.1"/></geometry></visual></link>"""
ARM = f"""<robot name="arm"><link name="base"/>{FORE.replace("fore", "upper")}{FORE}
<joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/>
<origin xyz="0 0 0.4" rpy="0 0 1.57"/><axis xyz="0 1 0"/>
<limit effort="40" velocity="3" lower="-2" upper="2"/></joint>
<joint name="elbow" type="revolute"><parent link="upper"/><child link="fore"/>
<origin xyz="0.3 0 0"/><axis xyz="0 1 0"/>
<limit effort="20" velocity="4" lower="-2.5" upper="2.5"/></joint></robot>"""


@pytest.fixture
def odd(tmp_path):
    """Return a function that says what is odd about an arm in which a text is replaced."""

    def say(found: str = "", instead: str = "") -> list[str]:
        assert found in ARM
        file = tmp_path / "arm.urdf"
        file.write_text(ARM.replace(found, instead))
        robot = Robot.load(str(file), efforts=np.inf, velocities=np.inf)
        return oddities(robot, loads_of(robot, MassMatrix(robot)), [])

    return say


def test_an_arm_in_the_units_of_urdf_is_not_odd(odd):
    assert odd() == []


def test_a_visual_whose_origin_is_no_number_is_the_pictures_matter(odd):
    assert odd("<visual>", '<visual><origin rpy="x 0 0"/>') == []


@pytest.mark.parametrize(
    ("found", "instead", "sentence"),
    [
        (
            'lower="-2.5" upper="2.5"',
            'lower="-145" upper="145"',
            "two turns from 0: elbow -145 to 145 rad. .* degrees",
        ),
        ('rpy="0 0 1.57"', 'rpy="0 0 90"', 'than a turn: shoulder rpy="0 0 90". .* degrees'),
        (
            'mass value="1"',
            'mass value="1000"',
            "weigh 2e[+]03 kg on a reach of 0.7 m, unlike any arm. URDF has kilograms",
        ),
        (
            'ixx="0.005" iyy="0.01" izz="0.01"',
            'ixx="5000" iyy="10000" izz="10000"',
            "far from its centre: upper 100 m, fore 100 m, on a reach",
        ),
        (
            'ixx="0.005" iyy="0.01" izz="0.01"',
            'ixx="5e-9" iyy="1e-8" izz="1e-8"',
            "moments of inertia as of points: upper, fore",
        ),
        # 5 rad at 0.001 rad/s; then what it takes to speed up: √(2 · 5 rad · 0.02 kg·m² / 20 N·m)
        ('velocity="4"', 'velocity="0.001"', "hardly moves; .* elbow 5e\\+03 s"),
        # 5 rad at 20 N·m over 2000 N·m·s/rad
        (
            '<limit effort="20"',
            '<dynamics damping="2000"/><limit effort="20"',
            r"hardly moves; .* elbow 500 s\. Look at",
        ),
        # √(2 · 5 rad · 0.02 kg·m² / 1e-6 N·m) = 447 s, and 5 rad at 4 rad/s
        ('<limit effort="20"', '<limit effort="1e-6"', r"hardly moves; .* elbow 448 s\. Look"),
        ('effort="20"', 'effort="-20"', 'efforts that limit nothing: elbow effort="-20"'),
        ('effort="20"', 'effort="0"', "no effort is stated for elbow"),
        (
            'value="1"/>\n<inertia ixx="0.005" iyy="0.01" izz="0.01"',
            'value="0"/>\n<inertia ixx="0.005" iyy="0.01" izz="0.01"',
            "a shape and no mass: upper, fore",
        ),
    ],
)
def test_a_number_that_no_arm_has_is_said_with_its_joint_or_link(odd, found, instead, sentence):
    assert any(re.search(sentence, said) for said in odd(found, instead)), odd(found, instead)


def test_a_friction_below_zero_is_refused(tmp_path):
    file = tmp_path / "arm.urdf"
    file.write_text(
        ARM.replace('<limit effort="20"', '<dynamics friction="-1"/><limit effort="20"')
    )
    with pytest.raises(RobotError, match="joint 'elbow' has a friction of -1; expected none bel"):
        read_friction(Robot.load(str(file)))


def test_more_joints_than_an_arm_has_are_refused(tmp_path: Path):
    joints = (
        f'<joint name="j{n}" type="fixed"><parent link="l{n}"/><child link="l{n + 1}"/></joint>'
        for n in range(501)
    )
    file = tmp_path / "long.urdf"
    file.write_text(f'<robot name="long">{"".join(joints)}</robot>')
    with pytest.raises(RobotError, match="has 501 joints; expected at most 500"):
        Robot.load(str(file))


def test_a_name_that_would_end_pybullets_process_is_refused(tmp_path: Path):
    file = tmp_path / "arm.urdf"
    file.write_text(ARM.replace('"elbow"', f'"{"e" * 1000}"'))
    with pytest.raises(RobotError, match=r"the joint 'e{40}…' has a name of 1000 characters; exp"):
        Robot.load(str(file))


def test_a_long_name_of_a_link_that_is_not_there_is_cut_in_the_sentence(tmp_path: Path):
    file = tmp_path / "arm.urdf"
    file.write_text(ARM.replace('<parent link="base"', f'<parent link="{"b" * 5000}"', 1))
    with pytest.raises(RobotError, match=r"the parent 'b{40}…' has a name of 5000 characters"):
        Robot.load(str(file))
