"""Which goals an arm can meet, and what is said of the others."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.errors import RefusedError, TaskFailedError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.answers import check_goal
from ddpg_ros.tasks.goals import JOINTS, POINT, POSE, TRAJECTORY, in_order, trajectory_of
from ddpg_ros.tasks.trajectory import Trajectory
from ddpg_ros.types import JointState

FILE = """<robot name="arm">
<joint name="turn" type="continuous"><parent link="base"/><child link="a"/>
<origin xyz="0 0 0"/><axis xyz="0 0 1"/><limit effort="5" velocity="2"/></joint>
<joint name="bend" type="revolute"><parent link="a"/><child link="b"/>
<origin xyz="0.3 0 0"/><axis xyz="0 0 1"/>
<limit effort="5" velocity="1" lower="-1" upper="1"/></joint>
<joint name="end" type="fixed"><parent link="b"/><child link="tip"/>
<origin xyz="0.2 0 0"/></joint></robot>"""
HERE = JointState(1, np.array([0.5, 0.2]), np.zeros(2))


@pytest.fixture(scope="module")
def arm(tmp_path_factory):
    file = tmp_path_factory.mktemp("arm") / "arm.urdf"
    file.write_text(FILE)
    return Robot.load(str(file))


def way(times, positions, velocities=None):
    return Trajectory(
        np.array(times), np.array(positions), None if velocities is None else np.array(velocities)
    )


def turned(scale):
    pose = np.eye(4)
    pose[:3, :3] *= scale
    return pose


def at(x, y, z):
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return pose


TO_THERE = [[1.0, 0.4]]


@pytest.mark.parametrize(
    ("kind", "goal", "said"),
    [
        (POINT, np.array([0.0, math.nan, 0.0]), "is not finite"),
        (POINT, np.array([0.6, 0.0, 0.0]), "is 0.6 m from the base, and the arm reaches at most"),
        (POSE, at(0.6, 0.0, 0.0), "is 0.6 m from the base, and the arm reaches at most 0.5 m"),
        (POSE, at(0.0, math.inf, 0.0), "is not finite"),
        (POSE, turned(1.1), "is no rotation"),
        (JOINTS, np.array([9.0, 1.1]), "brings 'bend' to 1.1 rad; expected -1 to 1, the position"),
        (JOINTS, np.array([math.nan, 0.0]), "is not finite"),
        (TRAJECTORY, way([2.0], [[math.inf, 0.0]]), "position or velocity of it is not finite"),
        (TRAJECTORY, way([2.0, 4.0], [[0.5, 0.5], [0.5, -1.2]]), "brings 'bend' to -1.2 rad"),
        (  # within the limits at its points, beyond them between: 0.9 + t (1 − t)
            TRAJECTORY,
            way([1.0, 2.0], [[0.5, 0.9], [0.5, 0.9]], [[0.0, 1.0], [0.0, -1.0]]),
            "brings 'bend' to 1.15 rad",
        ),
        (
            TRAJECTORY,
            way([1.0, 1.5], [[0.5, 0.5], [2.0, 0.5]]),
            "it moves 'turn' at up to 3 rad/s; expected at most 2 rad/s, the limit",
        ),
        (TRAJECTORY, way([0.1], TO_THERE), "it moves 'turn' at up to 5 rad/s; expected at most 2"),
        (TRAJECTORY, way([1.0, 2.0], [[1e308, 0.0], [-1e308, 0.0]]), "it moves 'turn' at up to "),
        (
            TRAJECTORY,
            way([0.0], TO_THERE),
            "it begins at once, 0.5 rad from where 'turn' stands; expected a time_from_start of "
            "the first point of at least 0.25 s",
        ),
    ],
)
def test_fault_62_a_goal_that_the_arm_cannot_meet_is_refused_in_one_sentence(
    arm, kind, goal, said
):
    with pytest.raises(RefusedError) as refused:
        kind.meet(goal, arm, HERE)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_trajectory_is_measured_by_the_limit_in_force_not_by_the_files(arm):
    slow = Robot.load(str(arm.urdf_path), velocities=[0.4, 5.0])
    assert slow.allowed_velocity.tolist() == [0.4, 1.0]  # of 2 and 1 in the file
    for wanted in ([], [0.4]):  # a number too few is the guard's to refuse
        assert Robot.load(str(arm.urdf_path), velocities=wanted).allowed_velocity.tolist() == [
            2,
            1,
        ]
    goal = way([0.0, 1.0], [[0.5, 0.2], [1.0, 0.2]])
    TRAJECTORY.meet(goal, arm, HERE)
    with pytest.raises(RefusedError, match=r"up to 0\.5 rad/s; expected at most 0\.4 rad/s"):
        TRAJECTORY.meet(goal, slow, HERE)
    with pytest.raises(RefusedError, match=r"at least 1\.2 s"):  # 0.5 rad at 0.4 rad/s
        TRAJECTORY.meet(way([0.0], TO_THERE), slow, HERE)


@given(st.floats(-3.0, 3.0), st.floats(-1.0, 1.0))
def test_what_the_arm_can_stand_in_is_a_goal_of_every_kind(arm, turn, bend):
    position = np.array([turn, bend])
    state = JointState(1, position, np.zeros(2))
    for kind in (POINT, POSE, JOINTS, TRAJECTORY):
        goal = kind.here(arm, position)
        assert kind.fault(goal, arm) == ""
        numbers = kind.numbers(goal)
        again = kind.from_numbers(numbers, arm)
        assert again is None if kind is TRAJECTORY else np.array_equal(again, goal)
        met = kind.meet(goal, arm, state)
        assert kind.fault(met, arm) == ""


def test_a_trajectory_is_refused_while_no_policy_acts(arm):
    with pytest.raises(RefusedError, match="no policy acts; arm it, and then send"):
        TRAJECTORY.meet(way([1.0], TO_THERE), arm, None)


def test_a_trajectory_begins_where_the_arm_stands_the_short_way_round(arm):
    begun = TRAJECTORY.meet(way([2.0], [[0.5 + 2 * math.pi + 1.0, 0.4]]), arm, HERE)
    position, velocity = begun.at(1.0)
    assert position == pytest.approx(np.array([0.5 + 2 * math.pi + 0.5, 0.3]))
    assert velocity == pytest.approx(np.array([0.5, 0.1]))


def test_an_arm_that_was_pushed_out_of_its_limits_is_led_back(arm):
    outside = JointState(1, np.array([0.0, 1.3]), np.zeros(2))
    assert TRAJECTORY.meet(way([1.0], [[0.0, 0.9]]), arm, outside).at(0.5)[0][1] == 1.1


@pytest.mark.parametrize("names", [["b"], ["a", "b", "c"], ["a", "a", "b"], []])
def test_other_joints_than_those_of_the_arm_are_refused_with_both(names):
    with pytest.raises(RefusedError, match=r"expected, each once and in any order, b, a$"):
        in_order(names, ["b", "a"])
    assert in_order(["a", "b"], ["b", "a"]) == [1, 0]


@pytest.mark.parametrize(
    ("times", "positions", "velocities", "said"),
    [
        ([], [], [], "it has no points"),
        ([0.0, 0.0], [[1], [2]], [[], []], "is 0, 0 s; expected times from 0 on"),
        ([-1.0, 0.0], [[1], [2]], [[], []], "is -1, 0 s; expected times from 0 on"),
        ([1.0], [[1, 2]], [[]], "its point 1 has 2 positions and 0 velocities; expected 1 of"),
        ([1.0, 2.0], [[1], [2]], [[1], [1, 2]], "its point 2 has 1 positions and 2 velocities"),
        ([1.0, 2.0], [[1], [2]], [[1], []], "some of its points have velocities; expected all"),
        ([float(n) for n in range(1001)], [[0]] * 1001, [[]] * 1001, "expected at most 1000"),
    ],
)
def test_points_that_are_no_trajectory_are_refused(times, positions, velocities, said):
    with pytest.raises(RefusedError) as refused:
        trajectory_of(times, positions, velocities, 1)
    assert said in str(refused.value) and len(str(refused.value)) < 400


class _WithoutShape:
    """Like a tensor on another device."""

    def __array__(self, *_, **__):
        raise RuntimeError("not on the CPU")


@pytest.mark.parametrize(
    ("kind", "goal", "said"),
    [
        (POINT, "here", "goal 'here'; expected an array of 3 numbers"),
        (POINT, [0.1, float("nan"), 0.3], "nan.*; expected finite numbers"),
        (POINT, ["a", "b", "c"], "failed in goals"),
        (POINT, np.zeros(2), "expected an array of 3 numbers"),
        (POINT, _WithoutShape(), "failed in goals.fault.*not on the CPU"),
        (POSE, np.full((4, 4), np.inf), "expected finite numbers"),
        (JOINTS, np.zeros(3), "expected an array of 2 joint positions"),
        (TRAJECTORY, np.zeros(2), "expected a Trajectory of 2 joints"),
        (TRAJECTORY, way([0.0, 1.0], [[0, 0], [0, np.nan]]), "expected finite numbers"),
    ],
)
def test_a_goal_of_a_task_that_is_none_of_its_kind_is_a_sentence(arm, kind, goal, said):
    with pytest.raises(TaskFailedError, match=f"the task SimpleNamespace .*{said}"):
        check_goal(SimpleNamespace(goals=kind, goal=goal), arm)


def test_a_task_may_have_no_goal_yet_and_one_of_its_kind(arm):
    for goal in (None, np.array([0.1, 0.2]), [0, 1]):
        check_goal(SimpleNamespace(goals=JOINTS, goal=goal), arm)
