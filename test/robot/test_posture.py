"""The start posture: above the base if the arm can be, held with a margin, not touching itself."""

from pathlib import Path

import numpy as np

from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.posture import choose_start

LINK = (
    '<inertial><origin xyz="0.2 0 0"/><mass value="{mass}"/>'
    '<inertia ixx="0.01" iyy="0.02" izz="0.02" ixy="0" ixz="0" iyz="0"/></inertial>'
)
LIMIT = '<limit effort="{effort}" velocity="3" {ends}/>'
ARM = f"""<robot name="arm"><link name="base"/>
<link name="upper">{LINK}</link><link name="fore">{LINK}</link><link name="tip"/>
<joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/>
<origin xyz="0 0 {{height}}"/><axis xyz="0 1 0"/>{LIMIT}</joint>
<joint name="elbow" type="revolute"><parent link="upper"/><child link="fore"/>
<origin xyz="0.4 0 0"/><axis xyz="0 1 0"/>{LIMIT}</joint>
<joint name="end" type="fixed"><parent link="fore"/><child link="tip"/><origin xyz="0.3 0 0"/>
</joint></robot>"""
ENDS = 'lower="-3.1" upper="3.1"'


def load(folder: Path, effort=100, mass=1, height=0.1, ends=ENDS) -> tuple[Robot, MassMatrix]:
    file = folder / "arm.urdf"
    file.write_text(ARM.format(effort=effort, mass=mass, height=height, ends=ends))
    robot = Robot.load(str(file))
    return robot, MassMatrix(robot)


def heights(robot: Robot, start) -> np.ndarray:
    """Return the heights of elbow and tip by hand: two links that turn about y."""
    shoulder, elbow = start
    above = -0.4 * np.sin(shoulder)
    return np.array([above, above - 0.3 * np.sin(shoulder + elbow)])


def test_no_part_of_the_arm_is_below_its_base_if_it_can_be_above(tmp_path):
    robot, mass = load(tmp_path)
    start = choose_start(robot, robot.effort_limit, mass.weight, lambda position: False)
    assert (0.1 + heights(robot, start) > 0.04).all()


def test_an_arm_that_can_only_hang_starts_below_its_base(tmp_path):
    robot, mass = load(tmp_path, height=0, ends='lower="1" upper="2"')
    start = choose_start(robot, robot.effort_limit, mass.weight, lambda position: False)
    assert (heights(robot, start) < 0).all()


def test_the_motors_hold_the_start_with_a_margin_if_they_can(tmp_path):
    robot, mass = load(tmp_path, effort=4.2)  # of 8.2 N·m that the stretched arm needs
    assert mass.heaviest_weight[0] > 7.0
    start = choose_start(robot, robot.effort_limit, mass.weight, lambda position: False)
    assert (np.abs(mass.weight(start)) <= 0.8 * robot.effort_limit).all()


def test_the_start_does_not_touch_itself_however_few_postures_do_not(tmp_path):
    robot, mass = load(tmp_path)
    start = choose_start(robot, robot.effort_limit, mass.weight, lambda q: abs(q[1]) > 0.02)
    assert abs(start[1]) <= 0.0205  # it is rounded to 1e-3
    always = choose_start(robot, robot.effort_limit, mass.weight, lambda position: True)
    assert ((robot.lower < always) & (always < robot.upper)).all()


def test_what_turns_more_than_once_starts_within_a_quarter_turn_of_its_middle(tmp_path):
    robot, mass = load(tmp_path, ends='lower="-5" upper="7"')
    for free in (0.0, 0.5, 1.0):  # postures beyond which the arm touches itself
        near = choose_start(
            robot, robot.effort_limit, mass.weight, lambda q, least=free: q[1] < least
        )
        assert (np.abs(near - 1.0) <= np.pi / 2 + 1e-3).all()
