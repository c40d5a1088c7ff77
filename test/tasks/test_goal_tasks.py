"""pose, joints, track and hold: by hand on a small arm, and on random ones."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.config.settings import task_settings
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.kinematics import rotation
from ddpg_ros.tasks import make_task
from ddpg_ros.tasks.hold import Hold
from ddpg_ros.tasks.joint_space import JointSpace
from ddpg_ros.tasks.joints import Joints
from ddpg_ros.tasks.pose import PoseTask, rotation_angle
from ddpg_ros.tasks.track import Track
from ddpg_ros.tasks.trajectory import Trajectory
from ddpg_ros.types import JointState
from test.tasks_on_arms import TASKS, require_fit

PERIOD = 40_000_000  # [ns]
FILE = """<robot name="arm">
<joint name="turn" type="continuous"><parent link="base"/><child link="a"/>
<origin xyz="0 0 0"/><axis xyz="0 0 1"/><limit effort="5" velocity="2"/></joint>
<joint name="bend" type="revolute"><parent link="a"/><child link="b"/>
<origin xyz="0.3 0 0"/><axis xyz="0 0 1"/>
<limit effort="5" velocity="1" lower="-2" upper="2"/></joint>
<joint name="end" type="fixed"><parent link="b"/><child link="tip"/>
<origin xyz="0.2 0 0"/></joint></robot>"""


def load(text, velocities=()):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "arm.urdf"
        file.write_text(text)
        return Robot.load(str(file), velocities=velocities)


@pytest.fixture(scope="module")
def arm():
    return load(FILE)


def state(position, velocity=(0.0, 0.0), tick=0):
    return JointState(tick * PERIOD, np.array(position, float), np.array(velocity, float))


def action(*values):
    return np.array(values, dtype=np.float32)


STILL = action(0.0, 0.0)


def begun(task, position, seed=0):
    """Begin an episode in a position; return its first state."""
    task.reset(np.random.default_rng(seed))
    first = state(position)
    task.advance(first)
    return first


@st.composite
def random_arms(draw):
    """Return an arm of 1 to 5 joints in space; some turn without limits, some slide."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = []
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["revolute", "continuous", "prismatic"]))
        most = 1.0 if kind == "prismatic" else 2 * math.pi
        low, high = np.sort(rng.uniform(-most, most, 2))
        bounds = "" if kind == "continuous" else f'lower="{low}" upper="{high + 0.01}"'
        axis, xyz, rpy = (" ".join(map(str, rng.normal(0.0, s, 3))) for s in (1.0, 0.3, 1.0))
        parts.append(
            f'<joint name="joint{number}" type="{kind}">'
            f'<parent link="link{number}"/><child link="link{number + 1}"/>'
            f'<origin xyz="{xyz}" rpy="{rpy}"/><axis xyz="{axis}"/>'
            f'<limit effort="5" velocity="{rng.uniform(0.5, 4.0)}" {bounds}/></joint>'
        )
    last = f'<parent link="link{len(parts)}"/><child link="tip"/><origin xyz="0.1 0.2 0.3"/>'
    return load(
        f'<robot name="arm">{"".join(parts)}<joint name="end" type="fixed">{last}</joint></robot>'
    )


@settings(max_examples=60, deadline=None)
@given(random_arms(), st.sampled_from(TASKS), st.integers(0, 2**32 - 1))
def test_on_any_arm_a_task_gives_what_it_states_and_goals_that_the_arm_can_meet(arm, name, seed):
    require_fit(arm, name, np.random.default_rng(seed))


@settings(max_examples=60, deadline=None)
@given(random_arms(), st.sampled_from(TASKS), st.integers(0, 2**32 - 1))
def test_who_is_at_the_goal_has_done_the_task_and_is_paid_best(arm, name, seed):
    rng, size = np.random.default_rng(seed), len(arm.joints)
    task = make_task(task_settings({"name": name}), arm)
    space = JointSpace(arm)
    task.reset(rng)
    start = rng.uniform(space.lower, space.upper)
    task.advance(JointState(0, start, np.zeros(size)))
    if name == "joints":
        goal = task.goal
    elif name == "track":
        goal, velocity = task.goal.at(0.04)
    elif name == "hold":
        goal = start
    else:  # a pose that some posture has: this one
        goal, task.goal = start, arm.tip_pose(start)
    velocity = velocity if name == "track" else np.zeros(size)
    there = JointState(PERIOD, goal, velocity)
    task.advance(there)
    assert task.success(there)
    best = sum(task.reward(there, np.zeros(size, np.float32)).values())
    near = task.reward(there, np.zeros(size, np.float32))["near"]
    assert best == pytest.approx(near if name != "pose" else 2.0 * near, abs=1e-6)
    away = JointState(PERIOD, goal + rng.uniform(0.3, 1.0, size), velocity)
    assert sum(task.reward(away, np.ones(size, np.float32)).values()) < best


def test_joints_observes_posture_speed_and_the_way_the_short_way_round(arm):
    task = Joints(Joints.Settings(tolerance=0.1), arm)
    task.goal = np.array([3.0, 0.2])
    seen = task.observe(state([-3.0, 0.0], [1.0, -0.5]))
    c, s, turn = math.cos(3.0), math.sin(3.0), 6.0 - 2 * math.pi
    way = [turn / math.pi, 0.2 / math.pi, math.tanh(turn / 0.4), math.tanh(0.5)]
    assert seen == pytest.approx(np.array([c, 1, -s, 0, 0.5, -0.5, *way]), abs=1e-6)


def test_joints_rewards_by_hand(arm):
    own = Joints.Settings(tolerance=0.1, near_weight=2.0, velocity_weight=3.0, torque_weight=5.0)
    task = Joints(own, arm)
    task.goal = np.array([0.1, 0.2])
    terms = task.reward(state([0.0, 0.0], [1.0, 0.5]), action(0.5, 1.0))
    assert terms == pytest.approx(
        {
            "error": -0.15 / math.pi,
            "near": math.exp(-1.0) + math.exp(-2.0),
            "velocity": -3.0 * 0.5,
            "torque": -5.0 * 1.25,
        }
    )


@pytest.mark.parametrize(
    ("position", "success"),
    [([0.09, 0.19], True), ([0.09, 0.3], False), ([0.1 + 2 * math.pi, 0.2], True)],
)
def test_joints_succeeds_if_the_worst_joint_is_within_the_tolerance(arm, position, success):
    task = Joints(Joints.Settings(tolerance=0.05), arm)
    task.goal = np.array([0.1, 0.2])
    assert task.success(state(position)) is success


def test_pose_observes_the_goal_in_the_fingertips_frame(arm):
    task = PoseTask(PoseTask.Settings(), arm)
    task.goal = np.eye(4)
    task.goal[:3, :3] = rotation(np.array([0.0, 0.0, 1.0]), math.pi)
    task.goal[:3, 3] = 0.1, 0.7, 0.0
    # Stretched along y: the tip is at (0, 0.5, 0), its x axis points along y. The goal's x axis
    # points along −x, which is the tip's y.
    seen = task.observe(state([math.pi / 2, 0.0]))
    assert seen[6:9] == pytest.approx(np.array([0.2, -0.1, 0.0]) / 0.5, abs=1e-6)
    assert seen[9:] == pytest.approx(np.array([0, -1, 1, 0, 0, 0]), abs=1e-6)


def test_pose_rewards_by_hand(arm):
    own = PoseTask.Settings(
        tolerance=0.1, angle_tolerance=0.2, angle_weight=2.0, near_weight=4.0, velocity_weight=3.0
    )
    task = PoseTask(own, arm)
    task.goal = np.eye(4)
    task.goal[:3, :3] = rotation(np.array([0.0, 1.0, 0.0]), 0.4)
    task.goal[:3, 3] = 0.3, 0.0, 0.0
    terms = task.reward(state([0.0, 0.0], [2.0, 0.0]), action(1.0, 0.0))
    assert terms == pytest.approx(
        {
            "distance": -0.2 / 0.5,
            "angle": -2.0 * 0.4 / math.pi,
            "near": 2.0 * math.exp(-2.0),
            "aligned": 2.0 * math.exp(-4.0),
            "velocity": -3.0,
            "torque": -0.01,
        }
    )


@pytest.mark.parametrize(
    ("along", "angle", "success"),
    [(0.04, 0.25, True), (0.06, 0.0, False), (0.0, 0.27, False), (0.0, 3.0, False)],
)
def test_pose_succeeds_within_both_tolerances(arm, along, angle, success):
    task = PoseTask(PoseTask.Settings(), arm)
    task.goal = np.eye(4)
    task.goal[:3, :3] = rotation(np.array([1.0, 0.0, 0.0]), angle)
    task.goal[:3, 3] = 0.5, along, 0.0
    assert task.success(state([0.0, 0.0])) is success


@given(st.floats(0.0, math.pi), st.integers(0, 2**32 - 1))
def test_the_angle_of_a_rotation_is_exact_also_near_none_and_half_a_turn(angle, seed):
    axis = np.random.default_rng(seed).normal(0.0, 1.0, 3)
    assert rotation_angle(rotation(axis / np.linalg.norm(axis), angle)) == pytest.approx(
        angle, abs=1e-7
    )


def test_pose_refuses_an_arm_that_ends_on_its_base():
    stump = (
        '<robot name="stump"><joint name="turn" type="continuous"><parent link="base"/>'
        '<child link="tip"/><axis xyz="0 0 1"/><limit effort="1" velocity="1"/></joint></robot>'
    )
    with pytest.raises(ConfigError, match=r"0 m from its base\. Set robot\.tip"):
        PoseTask(PoseTask.Settings(), load(stump))


@pytest.mark.parametrize(("wanted", "fastest"), [([], [2.0, 1.0]), ([0.3, 0.2], [0.3, 0.2])])
def test_track_begins_where_the_arm_stands_and_stays_within_limits_and_speed(wanted, fastest):
    """The speed is a share of the limit in force, which may be far below the file's."""
    task = Track(Track.Settings(speed=0.5, episode_seconds=4.0), load(FILE, wanted))
    for seed in range(20):
        begun(task, [5.0, 1.9], seed)
        way, (lower, upper, velocity) = task.goal, task.goal.extremes()
        assert way.at(0.0)[0].tolist() == [5.0, 1.9] and way.duration >= 4.0
        assert lower[1] >= -2.0 and upper[1] <= 2.0
        assert (velocity <= 0.5 * np.array(fastest) + 1e-9).all()
        assert not np.array_equal(way.positions[0], way.positions[1])


def test_track_observes_where_to_be_now_and_soon_and_how_fast(arm):
    task = Track(Track.Settings(lookahead=0.5), arm)
    begun(task, [0.0, 0.0])
    task.goal = Trajectory(np.array([0.0, 2.0]), np.array([[0.0, 0.0], [2.0, -1.0]]))
    task.advance(state([0.0, 0.0], tick=100))  # it begins now
    later = state([0.5, 0.0], [1.0, 0.0], tick=125)
    task.advance(later)
    seen = task.observe(later)
    now, soon = [0.5 / 1.0, -0.5 / 0.5], [1.0 / 1.0, -0.75 / 0.5]
    assert seen[4:] == pytest.approx(np.array([0.5, 0.0, *now, *soon, 0.5, -0.5]))


def test_track_rewards_by_hand(arm):
    own = Track.Settings(tolerance=0.1, near_weight=2.0, velocity_weight=3.0, torque_weight=5.0)
    task = Track(own, arm)
    begun(task, [0.0, 0.0])
    task.goal = Trajectory(np.array([0.0, 2.0]), np.array([[0.0, 0.0], [2.0, 0.0]]))
    task.advance(state([0.0, 0.0]))
    later = state([0.9, 0.0], [0.0, 0.0], tick=25)
    task.advance(later)
    assert task.reward(later, action(1.0, 0.0)) == pytest.approx(
        {
            "error": -0.05 / math.pi,
            "near": math.exp(-1.0) + 1.0,
            "velocity": -3.0 * 0.25,
            "torque": -5.0,
        }
    )


@pytest.mark.parametrize(("errors", "success"), [([0.04, 0.06], False), ([0.04, 0.055], True)])
def test_track_succeeds_by_the_root_mean_square_over_the_trajectory(arm, errors, success):
    task = Track(Track.Settings(tolerance=0.0341), arm)  # of ((0.04² + 0.055²) / 4) ^ ½
    begun(task, [0.0, 0.0])
    task.goal = Trajectory.still(np.zeros(2))
    task.advance(state([0.3, 0.0]))  # where the arm stood before counts for nothing
    for tick, error in enumerate(errors, 1):
        last = state([error, 0.0], tick=tick)
        task.advance(last)
    assert task.success(last) is success


def test_a_new_trajectory_forgets_the_errors_of_the_last(arm):
    task = Track(Track.Settings(), arm)
    begun(task, [0.0, 0.0])
    task.advance(state([2.0, 0.0], tick=1))
    assert not task.success(state([2.0, 0.0], tick=1))
    task.goal = Trajectory.still(np.array([2.0, 0.0]))
    for tick in (2, 3):
        task.advance(state([2.0, 0.0], tick=tick))
    assert task.success(state([2.0, 0.0], tick=3))


def held(arm, deviations, **own):
    """Run an episode with deviations of the second joint; return whether it was a success."""
    task = Hold(Hold.Settings(tolerance=0.05, **own), arm)
    begun(task, [1.0, 0.5])
    for tick, deviation in enumerate(deviations, 1):
        last = state([1.0, 0.5 + deviation], tick=tick)
        task.advance(last)
    return task, task.success(last)


@pytest.mark.parametrize(
    ("deviations", "outside", "success"),
    [
        ([0.0, 0.04], 0.0, True),
        ([0.2, 0.2, 0.04], 0.08, True),
        ([0.2, 0.2, 0.2, 0.2, 0.04], 0.16, False),  # away for too long
        ([0.2, 0.04, 0.2, 0.2, 0.04], 0.08, True),  # twice, each time shortly
        ([0.31, 0.04], 0.04, False),  # too far
        ([0.2, 0.06], 0.08, False),  # not back
    ],
)
def test_hold_succeeds_if_the_arm_never_went_too_far_and_came_back_in_time(
    arm, deviations, outside, success
):
    task, done = held(arm, deviations, largest_deviation=0.3, return_seconds=0.13)
    assert task.time_outside == pytest.approx(outside)
    assert task.deviation == pytest.approx(np.array([0.0, max(deviations)]))
    assert done is success


def test_hold_takes_the_posture_of_the_first_state_of_each_episode(arm):
    task = Hold(Hold.Settings(), arm)
    for position in ([1.0, 0.5], [2.0, -0.5]):
        first = begun(task, position)
        assert task.goal.tolist() == position and not task.observe(first)[-2:].any()
    assert task.takes_goals is False


def test_hold_rewards_by_hand(arm):
    own = Hold.Settings(tolerance=0.1, near_weight=2.0, velocity_weight=3.0, torque_weight=5.0)
    task = Hold(own, arm)
    begun(task, [0.0, 0.0])
    assert task.reward(state([0.0, 0.2], [1.0, 0.0]), action(0.0, 1.0)) == pytest.approx(
        {
            "error": -0.1 / math.pi,
            "near": 1.0 + math.exp(-2.0),
            "velocity": -3.0 * 0.25,
            "torque": -5.0,
        }
    )


GANTRY = """<robot name="gantry">
<joint name="rail" type="prismatic"><parent link="base"/><child link="a"/><axis xyz="1 0 0"/>
<limit effort="5" velocity="1" lower="0" upper="2"/></joint>
<joint name="turn" type="revolute"><parent link="a"/><child link="tip"/><axis xyz="0 0 1"/>
<origin xyz="0.1 0 0"/><limit effort="5" velocity="1" lower="-1" upper="1"/></joint></robot>"""


def test_a_joint_that_slides_is_seen_and_judged_in_metres():
    task = Joints(Joints.Settings(tolerance=0.05, sliding_tolerance=0.02), load(GANTRY))
    task.goal = np.array([1.5, 0.5])
    seen = task.observe(state([0.5, 0.0]))
    # cos and sin of what turns; half the range below the middle; then speeds, and the ways: the
    # rail's over 1 m, half its range
    assert seen[:7] == pytest.approx(np.array([1, 0, -0.5, 0, 0, 1.0, 0.5 / math.pi]), abs=1e-6)
    assert task.success(state([1.485, 0.54])) and not task.success(state([1.475, 0.54]))
    error = task.reward(state([0.5, 0.0]), STILL)["error"]
    assert error == pytest.approx(-(1.0 + 0.5 / math.pi) / 2)


def test_a_joint_that_turns_more_than_once_is_seen_with_how_far_it_is_wound():
    """A limit of 6 rad: cos and sin alone are those of -0.28 rad, far from any limit."""
    once, twice = FILE, FILE.replace('lower="-2" upper="2"', 'lower="-4" upper="6"')
    for name in ("reach", "pose", "joints", "track", "hold"):
        short = make_task(task_settings({"name": name}), load(once))
        task = make_task(task_settings({"name": name}), load(twice))
        assert task.observation_size == short.observation_size + 1
        begun(task, [0.0, 1.0])
        seen = task.observe(state([math.pi / 2, 6.0]))
        posture = [0.0, math.cos(6.0), 1.0, math.sin(6.0), 1.0]  # 5 rad from the middle, 1 rad
        assert seen[:5] == pytest.approx(np.array(posture), abs=1e-6)


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (0.8, 5.4, [1.26, 4.94]),  # beyond half a turn, and less than one
        (-4.0, 6.0, [1.0 - 0.8 * math.pi, 1.0 + 0.8 * math.pi]),  # a turn about the middle
        (4.0, 5.0, [4.1, 4.9]),
    ],
)
def test_goals_are_in_the_middle_of_a_range_wherever_that_is(lower, upper, expected):
    ends = f'lower="{lower}" upper="{upper}"'
    low, high = JointSpace(load(FILE.replace('lower="-2" upper="2"', ends))).range(0.8)
    assert [low[1], high[1]] == pytest.approx(expected)
    assert [low[0], high[0]] == pytest.approx([-0.8 * math.pi, 0.8 * math.pi])  # it turns freely


def test_a_range_of_a_turn_in_rounded_numbers_is_a_turn():
    around = FILE.replace('lower="-2" upper="2"', 'lower="-3.15" upper="3.15"')
    assert make_task(task_settings({"name": "reach"}), load(around)).observation_size == 9


def test_reach_sees_what_slides_in_metres():
    task = make_task(task_settings({"name": "reach"}), load(GANTRY))
    task.goal = np.array([0.5, 0.1, 0.0])  # the tip is at (0.6, 0, 0)
    way = np.array([-0.1, 0.1, 0.0]) / task._reach
    seen = task.observe(state([0.5, 0.0], [0.5, -1.0]))
    assert seen == pytest.approx(np.array([1, 0, -0.5, 0.5, -1.0, *way]), abs=1e-6)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"name": "track", "point_seconds": 1e-6},
            r"point_seconds is 1e-06 s, which makes \d+ points in an episode .* fewer than 1000",
        ),
        ({"name": "joints", "tolerance": 100.0}, r"100 rad .* \(turn, bend\): every posture"),
        ({"name": "hold", "tolerance": 100.0}, "every posture would be a success"),
        ({"name": "track", "tolerance": 100.0}, "every posture would be a success"),
        ({"name": "reach", "tolerance": 100.0}, r"100 m, and the tip tip moves .* be a success"),
    ],
)
def test_settings_with_which_a_task_asks_for_nothing_or_never_begins_are_refused(
    arm, given, sentence
):
    with pytest.raises(ConfigError, match=sentence):
        make_task(task_settings(given), arm)
