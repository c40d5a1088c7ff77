"""What `ddpg-ros robot` proposes of goals, by hand."""

from pathlib import Path

import numpy as np
import pytest

from ddpg_ros.cli.proposal import episode_seconds, goal_range, limits_needed
from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.loads import Loads

ARM = """<robot name="arm">
<joint name="turn" type="revolute"><parent link="base"/><child link="a"/><axis xyz="0 0 1"/>
<limit effort="5" velocity="1" lower="-2" upper="2"/></joint>
<joint name="rail" type="prismatic"><parent link="a"/><child link="tip"/><axis xyz="1 0 0"/>
<limit effort="5" velocity="0.1" lower="0.2" upper="0.6"/></joint></robot>"""


@pytest.fixture
def robot(tmp_path: Path) -> Robot:
    file = tmp_path / "arm.urdf"
    file.write_text(ARM)
    return Robot.load(str(file))


@pytest.mark.parametrize(
    ("free", "share"),
    [
        (2.0, 0.8),  # of ±2 rad: it never touches itself
        (1.35, 0.7),  # of ±1.6 a share of 0.16 is beyond, of ±1.4 one of 0.036
        (0.9, 0.4),  # of ±1.0 one of 0.1
        (0.1, 0.4),  # nearly always: the smallest
    ],
)
def test_goals_are_from_the_largest_range_in_which_the_arm_hardly_touches_itself(
    robot, free, share
):
    assert goal_range(robot, lambda position: abs(position[0]) > free) == share


@pytest.mark.parametrize(
    ("start", "velocity", "seconds"),
    [
        ([0.0, 0.4], [1.0, 0.1], 3.0),  # 1.6 s and 1.6 s away at most, and 0.5 s to come to rest
        ([1.0, 0.4], [1.0, 0.1], 3.5),  # the shoulder from 1 to -1.6: 2.6 s
        ([0.0, 0.3], [1.0, 0.05], 6.0),  # the rail from 0.3 to 0.56 m: 5.2 s
    ],
)
def test_an_episode_is_long_enough_to_get_from_the_start_to_any_goal(
    robot, start, velocity, seconds
):
    assert episode_seconds(robot, 0.8, np.array(start), np.array(velocity)) == seconds


def test_a_joint_that_nobody_waits_for_is_named_with_its_velocity(robot):
    # goals are from 0.24 m to 0.56 m, so 0.16 m from the start, at 1e-5 m/s
    slow = np.array([1.0, 1e-5])
    with pytest.raises(RobotError, match=r"joint 'rail' takes 1\.6e\+04 s .* 1e-05 m/s; expected"):
        episode_seconds(robot, 0.8, np.array([0.0, 0.4]), slow)


def test_the_torque_that_is_needed_overcomes_weight_friction_inertia_and_damping(tmp_path):
    file = tmp_path / "rubs.urdf"
    dynamics = '<dynamics friction="2" damping="0.5"/>'
    file.write_text(ARM.replace('<axis xyz="0 0 1"/>', f'<axis xyz="0 0 1"/>{dynamics}'))
    loads = Loads(np.ones(2), inertia=np.array([0.3, 1.0]), gravity=np.array([1.0, 10.0]))
    velocity, torque = limits_needed(Robot.load(str(file)), loads)
    assert velocity.tolist() == [1.0, 0.1]
    # 1.3 · 1 + 2 + 0.3 · 1 / 0.15 + 0.5 · 1, and 1.3 · 10 + 1 · 0.1 / 0.15
    assert torque == pytest.approx([5.8, 13.0 + 0.1 / 0.15])
