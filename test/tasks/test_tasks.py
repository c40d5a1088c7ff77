"""The tasks: layout of the observation, the reward by hand, success and goals."""

import math

import numpy as np
import pytest

from ddpg_ros.build import build_arm
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import task_settings
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks import make_task
from ddpg_ros.tasks.reach import Reach
from ddpg_ros.tasks.swing_up import SwingUp
from ddpg_ros.tasks.task import angle_difference
from ddpg_ros.types import JointState

LIMIT = '<limit effort="5" velocity="8" lower="-1" upper="1"/>'
FREE = '<limit effort="5" velocity="8"/>'


def joint(name, kind, parent, child, xyz, inside):
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}"/>{inside}</joint>'
    )


PENDULUM = joint(
    "hinge", "continuous", "base", "rod", "0 0 0", f'<axis xyz="0 1 0"/>{FREE}'
) + joint("end", "fixed", "rod", "bob", "0 0 -0.5", "")
TWO_LINKS = (
    joint("shoulder", "continuous", "base", "upper", "0 0 0", f'<axis xyz="0 0 1"/>{FREE}')
    + joint("elbow", "revolute", "upper", "fore", "0.3 0 0", f'<axis xyz="0 0 1"/>{LIMIT}')
    + joint("end", "fixed", "fore", "tip", "0.2 0 0", "")
)


@pytest.fixture
def robot(tmp_path):
    """Return a function that makes a robot of URDF joints."""

    def make(joints):
        file = tmp_path / "arm.urdf"
        file.write_text(f'<robot name="arm">{joints}</robot>')
        return Robot.load(str(file))

    return make


@pytest.fixture
def reach(robot):
    """Reach of two links, 0.3 m and 0.2 m, with easy weights."""
    settings = Reach.Settings(tolerance=0.1, velocity_weight=2.0, torque_weight=3.0)
    return Reach(settings, robot(TWO_LINKS))


@pytest.fixture
def swing_up(robot):
    """Swing-up of a rod of 0.5 m with easy weights."""
    settings = SwingUp.Settings(tolerance=0.1, velocity_weight=2.0, torque_weight=3.0)
    return SwingUp(settings, robot(PENDULUM))


def state(position, velocity):
    return JointState(0, np.array(position, dtype=np.float64), np.array(velocity, np.float64))


def action(*values):
    return np.array(values, dtype=np.float32)


def test_the_name_in_the_settings_decides_the_task(robot):
    assert isinstance(make_task(task_settings({"name": "reach"}), robot(TWO_LINKS)), Reach)
    assert isinstance(make_task(task_settings({"name": "swing_up"}), robot(PENDULUM)), SwingUp)


@pytest.mark.parametrize("name", ["reach", "swing_up"])
def test_what_a_task_declares_is_what_it_returns(request, name):
    task = request.getfixturevalue(name)
    task.reset(np.random.default_rng(0))
    joints = 2 if name == "reach" else 1
    somewhere = state([0.4] * joints, [2.0] * joints)
    observation = task.observe(somewhere)
    assert observation.shape == (task.observation_size,)
    assert observation.dtype == np.float32
    assert tuple(task.reward(somewhere, action(*[0.5] * joints))) == task.terms
    assert task.goal.shape == (3,)
    assert not task.terminated(somewhere)


def test_reach_observes_angles_speeds_and_the_way_to_the_goal(reach):
    reach.goal = np.array([0.25, -0.5, 0.1])
    # Upper link along y, forearm along x: the tip is at (0.2, 0.3, 0), its frame is the base's
    # and the reach is 0.5.
    observation = reach.observe(state([math.pi / 2, -math.pi / 2], [4.0, -8.0]))
    cosines, sines, speeds, way = [0, 0], [1, -1], [0.5, -1.0], [0.1, -1.6, 0.2]
    assert observation == pytest.approx(np.array(cosines + sines + speeds + way), abs=1e-6)


def test_reach_observes_the_goal_as_the_fingertip_sees_it(reach):
    reach.goal = np.array([0.1, 0.7, 0.0])
    # The arm is stretched along y: its tip is at (0, 0.5, 0), and its x axis points along y.
    observation = reach.observe(state([math.pi / 2, 0.0], [0.0, 0.0]))
    assert observation[-3:] == pytest.approx(np.array([0.2, -0.1, 0.0]) / 0.5, abs=1e-6)


def test_reach_rewards_by_hand(reach):
    reach.goal = np.array([0.4, 0.0, 0.0])  # the stretched arm's tip is at 0.5: 0.1 m away
    terms = reach.reward(state([0, 0], [4.0, 8.0]), action(0.5, -1.0))
    assert terms == pytest.approx(
        {
            "distance": -0.1 / 0.5,
            "near": math.exp(-1),
            "velocity": -2.0 * (0.25 + 1.0),
            "torque": -3.0 * (0.25 + 1.0),
        }
    )
    assert sum(terms.values()) == pytest.approx(-0.2 + 0.36787944 - 2.5 - 3.75)


def test_reach_rewards_rest_at_the_goal_most(reach):
    reach.goal = np.array([0.5, 0.0, 0.0])
    at_rest = reach.reward(state([0, 0], [0, 0]), action(0, 0))
    assert sum(at_rest.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("distance", "success"), [(0.0, True), (0.099, True), (0.101, False)])
def test_reach_succeeds_within_the_tolerance(reach, distance, success):
    reach.goal = np.array([0.5, 0.0, distance])
    assert reach.success(state([0, 0], [9, 9])) is success


def goals(task, seed, count=200):
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        task.reset(rng)
        drawn.append(task.goal)
    return np.array(drawn)


def test_every_goal_of_reach_can_be_reached(reach):
    # The elbow turns by at most 1 rad, so that by the law of cosines the tip is at
    # √(0.3² + 0.2² + 2·0.3·0.2·cos(1)) = 0.4412 m or more from the shoulder, at most 0.5 m.
    distance = np.linalg.norm(goals(reach, seed=0), axis=1)
    assert distance.min() >= math.sqrt(0.13 + 0.12 * math.cos(1.0)) - 1e-12
    assert distance.max() <= 0.5 + 1e-12
    assert np.ptp(distance) > 0.03  # and they fill that ring


def test_goals_lie_all_around_a_joint_that_turns_without_end(reach):
    drawn = goals(reach, seed=0)
    for sign_x in (-1, 1):
        for sign_y in (-1, 1):
            quarter = (np.sign(drawn[:, 0]) == sign_x) & (np.sign(drawn[:, 1]) == sign_y)
            assert quarter.sum() > 20


def test_goals_are_from_the_middle_of_the_joints_ranges_where_that_is_wanted(robot):
    half = goals(Reach(Reach.Settings(goal_range=0.5), robot(TWO_LINKS)), seed=0)
    # The elbow turns by at most 0.5 rad to either side: the ring is from
    # √(0.13 + 0.12·cos(0.5)) = 0.4851 m. With both joints within their halves, the tip is less
    # than π/2 + atan2(0.2·sin(0.5), 0.3 + 0.2·cos(0.5)) = 1.7704 rad from the x axis.
    assert np.linalg.norm(half, axis=1).min() >= math.sqrt(0.13 + 0.12 * math.cos(0.5)) - 1e-12
    angle = np.abs(np.arctan2(half[:, 1], half[:, 0]))
    assert 1.5 < angle.max() <= 1.7704


def test_the_seed_decides_the_goals(reach):
    assert np.array_equal(goals(reach, seed=1), goals(reach, seed=1))
    assert not np.array_equal(goals(reach, seed=1), goals(reach, seed=2))


def test_reach_refuses_an_arm_whose_fingertip_stands_on_its_base(robot):
    stub = robot(joint("a", "revolute", "base", "b", "0 0 0", LIMIT))
    with pytest.raises(ConfigError, match=r"arm ends where it begins.*Set robot\.tip"):
        Reach(Reach.Settings(), stub)


def test_swing_up_observes_cosine_sine_and_speed(swing_up):
    observation = swing_up.observe(state([math.pi / 2], [-4.0]))
    assert observation == pytest.approx(np.array([0, 1, -0.5]), abs=1e-6)


@pytest.mark.parametrize(
    ("position", "angle"),
    [
        (math.pi, 0.0),
        (-math.pi, 0.0),
        (3 * math.pi, 0.0),
        (math.pi / 2, -math.pi / 2),
        (math.pi + 0.2, 0.2),
        (-math.pi - 0.2, -0.2),
        (0.0, math.pi),
    ],
)
def test_swing_up_rewards_by_hand(swing_up, position, angle):
    terms = swing_up.reward(state([position], [0.5]), action(-0.5))
    assert terms == pytest.approx(
        {
            "angle": -((angle / math.pi) ** 2),
            "velocity": -2.0 * (0.5 / 8.0) ** 2,
            "torque": -3.0 * 0.25,
        },
        abs=1e-12,
    )


@pytest.mark.parametrize(
    ("position", "success"),
    [
        (math.pi, True),
        (math.pi + 0.099, True),
        (-math.pi - 0.099, True),
        (5 * math.pi - 0.099, True),
        (math.pi + 0.101, False),
        (0.0, False),
    ],
)
def test_swing_up_succeeds_within_the_tolerance_of_upright(swing_up, position, success):
    assert swing_up.success(state([position], [0.0])) is success


def test_the_goal_of_swing_up_is_the_end_of_the_upright_rod(swing_up):
    before = swing_up.goal.copy()
    swing_up.reset(np.random.default_rng(0))
    assert swing_up.goal == pytest.approx(np.array([0, 0, 0.5]), abs=1e-12)
    assert np.array_equal(swing_up.goal, before)


def test_swing_up_refuses_an_arm_of_two_joints(robot):
    with pytest.raises(ConfigError, match=r"one joint; arm has 2\. Set robot\.urdf: pendulum"):
        SwingUp(SwingUp.Settings(), robot(TWO_LINKS))


@pytest.mark.parametrize(
    ("angle", "target", "difference"),
    [
        (0.3, 0.1, 0.2),
        (math.pi, -math.pi, 0.0),
        (3.0, -3.0, 6 - 2 * math.pi),
        (0, math.pi, -math.pi),
    ],
)
def test_angles_differ_by_the_short_way_round(angle, target, difference):
    assert angle_difference(angle, target) == pytest.approx(difference)


def hinged(axis, end):
    hinge = joint("hinge", "continuous", "base", "rod", "0 0 0", f'<axis xyz="{axis}"/>{FREE}')
    return hinge + joint("end", "fixed", "rod", "bob", end, "")


@pytest.mark.parametrize("axis", ["0 0 1", "0 1 0"])
def test_fault_82_a_swing_up_of_an_arm_that_does_not_hang_is_refused(robot, axis):
    with pytest.raises(ConfigError, match=r"the tip bob of arm moves 1 m and rises by .*'hinge'"):
        SwingUp(SwingUp.Settings(), robot(hinged(axis, "0.5 0 0")))


def test_fault_82_a_swing_up_of_an_arm_whose_tip_is_its_joint_can_be_learnt(robot):
    task = SwingUp(SwingUp.Settings(), robot(hinged("0 1 0", "0 0 0")))
    assert task.goal.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("lower", "upper", "missing"),
    [(-3.0, 3.0, 0.142), (-3.1, 3.0, 0.0416), (0.0, 1.0, 2.14), (4.0, 6.0, 0.858)],
)
def test_fault_82_a_swing_up_that_limits_keep_from_upright_is_refused(
    robot, lower, upper, missing
):
    limits = f'<axis xyz="0 1 0"/><limit effort="5" velocity="8" lower="{lower}" upper="{upper}"/>'
    arm = robot(
        joint("hinge", "revolute", "base", "rod", "0 0 0", limits)
        + joint("end", "fixed", "rod", "bob", "0 0 -0.5", "")
    )
    with pytest.raises(ConfigError, match=f"'hinge' to π rad.* end {missing} rad before"):
        SwingUp(SwingUp.Settings(tolerance=0.04), arm)
    SwingUp(SwingUp.Settings(tolerance=missing + 0.01), arm)


def test_a_swing_up_may_go_round_to_any_upright(robot):
    limits = '<axis xyz="0 1 0"/><limit effort="5" velocity="8" lower="-4" upper="0.5"/>'
    arm = robot(
        joint("hinge", "revolute", "base", "rod", "0 0 0", limits)
        + joint("end", "fixed", "rod", "bob", "0 0 -0.5", "")
    )
    assert SwingUp(SwingUp.Settings(), arm).takes_goals is False


def test_fault_82_a_reach_of_a_tip_that_nothing_moves_is_refused(robot):
    turn = joint("turn", "continuous", "base", "disc", "0 0 1", f'<axis xyz="0 0 1"/>{FREE}')
    arm = robot(turn + joint("end", "fixed", "disc", "tip", "0 0 0.5", ""))
    with pytest.raises(ConfigError, match="the tip tip of arm stays where it is"):
        Reach(Reach.Settings(), arm)


@pytest.mark.parametrize("gravity", ["driver", "model"])
def test_swing_up_is_refused_if_anything_carries_the_arm(gravity):
    config = load_config("swing_up").with_parameters({"robot.gravity": gravity})
    with pytest.raises(ConfigError, match=f"robot.gravity is {gravity}; expected .*: none"):
        build_arm(config)
