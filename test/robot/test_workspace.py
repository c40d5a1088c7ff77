"""How far a fingertip gets: a ball that it does not leave, and hardly a larger one."""

import numpy as np
import pytest

from ddpg_ros.robot.arm import Robot
from test.robot.test_arm import AXIS_Z, joint

WIDE = '<limit effort="5" velocity="8" lower="-3" upper="3"/>'
HALF = '<limit effort="5" velocity="8" lower="1.5707963267948966" upper="3"/>'
RAIL = '<axis xyz="1 0 0"/><limit effort="5" velocity="1" lower="-0.5" upper="2"/>'


def load(folder, joints):
    file = folder / "arm.urdf"
    file.write_text(f'<robot name="arm">{joints}</robot>')
    return Robot.load(str(file))


@pytest.mark.parametrize(
    ("elbow", "furthest"),
    [
        (WIDE, 0.3 + 0.2),
        (HALF, np.hypot(0.3, 0.2)),  # the elbow is never straighter than a right angle
    ],
)
def test_two_links_get_as_far_as_their_elbow_lets_them(tmp_path, elbow, furthest):
    robot = load(
        tmp_path,
        joint("shoulder", "base", "upper", inside=AXIS_Z + WIDE, xyz="0 0.4 0.5")
        + joint("elbow", "upper", "fore", inside=AXIS_Z + elbow, xyz="0.3 0 0")
        + joint("end", "fore", "tip", "fixed", "", xyz="0.2 0 0"),
    )
    centre, radius = robot.workspace
    assert centre == pytest.approx([0.0, 0.4, 0.5])
    assert furthest <= radius <= 1.021 * furthest


def test_an_arm_on_a_rail_is_measured_from_its_base(tmp_path):
    robot = load(
        tmp_path,
        joint("rail", "base", "cart", "prismatic", RAIL)
        + joint("turn", "cart", "arm", inside=AXIS_Z + WIDE)
        + joint("end", "arm", "tip", "fixed", "", xyz="0.5 0 0"),
    )
    centre, radius = robot.workspace
    assert centre.tolist() == [0.0, 0.0, 0.0] and 2.5 <= radius <= 1.021 * 2.5


def test_a_seven_joint_arm_does_not_leave_its_ball():
    pytest.importorskip("pybullet_data")
    robot = Robot.load("franka_panda/panda.urdf", tip="panda_grasptarget")
    centre, radius = robot.workspace
    rng = np.random.default_rng(3)
    tips = [robot.tip_position(rng.uniform(robot.lower, robot.upper)) for _ in range(5000)]
    distances = np.linalg.norm(np.array(tips) - centre, axis=1)
    assert 0.9 * radius < distances.max() < radius
