"""PyBullet does what the URDF says, and does it again."""

import math

import numpy as np
import pytest

from ddpg_ros.config.sections import SimSection
from ddpg_ros.errors import ConfigError, MachineError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.goals import JOINTS, POINT, POSE, TRAJECTORY
from ddpg_ros.tasks.trajectory import Trajectory

pytest.importorskip("pybullet")
from sim.world import World

pytestmark = pytest.mark.bullet

PANDA = "franka_panda/panda.urdf"
TIPS = {"pendulum": "bob", "reacher2": "fingertip", PANDA: "panda_grasptarget"}


def at(robot, *position, velocity=0.0, **settings):
    """Return a world whose only start position is `position` [rad]."""
    settings = {"start_position_spread": 0.0, "start_velocity_spread": velocity, **settings}
    world = World(robot, SimSection(start_position=list(position), **settings))
    world.reset(np.random.default_rng(0))
    return world


def roll(world, seed, steps=150):
    """Random torques beyond the limits from a drawn start: (steps, 2 n) states."""
    rng = np.random.default_rng(seed)
    world.reset(rng)
    rows = []
    for _ in range(steps):
        world.step(rng.uniform(-2.0, 2.0, len(world.robot.joints)), 4)
        rows.append(np.concatenate(world.state(0)[1:]))
    return np.array(rows)


@pytest.mark.parametrize("arm", TIPS)
def test_same_seed_and_torques_give_bit_identical_states(arm):
    robot, settings = Robot.load(arm), SimSection(start_velocity_spread=1.0)
    with World(robot, settings) as one, World(robot, settings) as two:
        first = roll(one, 7)
        np.testing.assert_array_equal(first, roll(two, 7))
        roll(one, 8)  # what happened before a reset leaves no trace
        roll(one, 9)
        np.testing.assert_array_equal(first, roll(one, 7))
    with World(robot, settings) as again:
        np.testing.assert_array_equal(first, roll(again, 7))
    assert np.abs(first - roll_of(robot, settings, 8)).max() > 0.1


def roll_of(robot, settings, seed):
    with World(robot, settings) as world:
        return roll(world, seed)


def test_reset_forgets_that_the_arm_leant_on_its_position_limit():
    robot, push = Robot.load("reacher2"), np.array([1.0, 0.5])
    with at(robot, 0.0, 0.0, start_position_spread=3.0) as world:
        first = roll(world, 1)
        for _ in range(100):
            world.step(push, 4)
        position = world.state(0).position
        np.testing.assert_allclose(position, robot.upper, atol=0.1)
        np.testing.assert_array_equal(first, roll(world, 1))


def test_torque_beyond_the_effort_limit_is_clipped():
    robot = Robot.load("reacher2")
    with at(robot, 0.2, 0.3) as strong, at(robot, 0.2, 0.3) as exact:
        np.testing.assert_array_equal(strong.step(np.array([50.0, -50.0]), 4), [2.0, -1.0])
        exact.step(np.array([2.0, -1.0]), 4)
        np.testing.assert_array_equal(strong.state(0).velocity, exact.state(0).velocity)


@pytest.mark.parametrize("angle", [0.5, math.pi / 2, -2.0])
def test_the_pendulum_falls_as_gravity_says(angle):
    # τ = −g (0.78·0.6 + 0.15·0.3) sin q, I = 0.78·0.6² + 2/5·0.78·0.06² + 0.15·0.6²/3
    torque, inertia = -9.81 * 0.513 * math.sin(angle), 0.2999232
    with at(Robot.load("pendulum"), angle, physics_timestep=1e-4) as world:
        world.step(np.zeros(1), 1)
        assert world.state(0).velocity[0] == pytest.approx(torque / inertia * 1e-4, rel=1e-3)


def test_a_torque_against_gravity_holds_the_pendulum_still():
    hold = 9.81 * 0.513 * math.sin(0.3)  # 1.487 N·m, below the limit of 2
    with at(Robot.load("pendulum"), 0.3) as world:
        world.step(np.array([hold]), 10)
        assert world.state(0).position[0] == pytest.approx(0.3, abs=1e-4)


def test_gravity_at_the_horizontal_is_two_and_a_half_times_the_effort():
    assert 9.81 * 0.513 / Robot.load("pendulum").effort_limit[0] == pytest.approx(2.5, abs=0.05)


def test_a_free_pendulum_loses_only_what_its_joint_damping_takes():
    def energy(state):
        kinetic = 0.5 * 0.2999232 * state.velocity[0] ** 2
        return kinetic - 9.81 * 0.513 * math.cos(state.position[0])

    with at(Robot.load("pendulum"), 1.5, physics_timestep=0.001) as world:
        start, lost = energy(world.state(0)), 0.0
        for _ in range(2000):
            world.step(np.zeros(1), 1)
            lost += 0.005 * world.state(0).velocity[0] ** 2 * 0.001
        end = energy(world.state(0))
    assert lost > 0.05
    assert start - end == pytest.approx(lost, abs=0.03)  # [J] of a swing of 5 J


def test_speed_stays_within_the_urdf_velocity_limit():
    with at(Robot.load("pendulum"), 0.0, gravity=0.0) as world:
        world.step(np.array([2.0]), 500)  # uncapped: 32 rad/s
        assert world.state(0).velocity[0] == pytest.approx(8.0)


@pytest.mark.parametrize("arm", TIPS)
def test_our_forward_kinematics_agree_with_pybullet(arm):
    robot, rng = Robot.load(arm, tip=TIPS[arm]), np.random.default_rng(3)
    with World(robot, SimSection()) as world:
        for _ in range(20):
            world.reset(rng)
            tip = robot.tip_position(world.state(0).position)
            np.testing.assert_allclose(tip, world.link_position(TIPS[arm]), atol=1e-6)


def test_start_states_stay_inside_the_limits():
    robot, rng = Robot.load("reacher2"), np.random.default_rng(4)
    settings = SimSection(start_position_spread=10.0, start_velocity_spread=2.0)
    with World(robot, settings) as world:
        starts = []
        for _ in range(200):
            world.reset(rng)
            starts.append(world.state(0))
    positions = np.array([start.position for start in starts])
    assert (positions > robot.lower).all() and (positions < robot.upper).all()
    assert (np.ptp(positions, axis=0) > 0.95 * (robot.upper - robot.lower - 0.1)).all()
    assert np.abs([start.velocity for start in starts]).max() <= 2.0


@pytest.mark.parametrize(("start", "said"), [([0.0], "shoulder, elbow"), ([0.0, 4.0], "elbow")])
def test_a_start_position_that_does_not_fit_is_refused(start, said):
    with pytest.raises(ConfigError, match=said):
        World(Robot.load("reacher2"), SimSection(start_position=start))


def test_a_window_without_a_display_is_refused(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(MachineError, match="DISPLAY"):
        World(Robot.load("pendulum"), SimSection(), gui=True)


GOALS = {
    POINT: lambda robot: robot.tip_position(np.array([0.3, 0.3])),  # right in the arm
    POSE: lambda robot: robot.tip_pose(np.array([0.3, 0.3])),
    JOINTS: lambda _: np.array([1.0, -1.2]),
    TRAJECTORY: lambda _: Trajectory(np.array([0.0, 1.0]), np.array([[0.3, 0.3], [2.0, 1.0]])),
}


@pytest.mark.parametrize("kind", GOALS, ids=lambda kind: kind.name)
def test_the_goal_is_seen_and_moves_nothing(kind):
    robot = Robot.load("reacher2")
    with at(robot, 0.3, 0.3) as plain, at(robot, 0.3, 0.3) as marked:
        empty = marked.render(160, 120)
        assert (plain.render(160, 120) == empty).all()
        for _ in range(2):  # a second goal replaces the first
            marked.show_goal(kind, GOALS[kind](robot))
        assert (marked.render(160, 120) != empty).any(axis=2).sum() > 20
        for world in (plain, marked):
            world.step(np.array([0.5, 0.2]), 40)
        np.testing.assert_array_equal(plain.state(0).position, marked.state(0).position)


def test_the_ghost_of_a_posture_stands_in_it():
    robot, posture = Robot.load("reacher2"), (1.5, 0.8)
    with at(robot, -1.5, 0.8) as world, at(robot, *posture) as there:
        without = world.render(160, 120)
        world.show_goal(JOINTS, np.array(posture))
        changed = (world.render(160, 120) != without).any(axis=2)
        other = (there.render(160, 120) != without).any(axis=2)  # the arm in either posture
    assert changed.sum() > 50 and (changed & other).sum() > 0.6 * changed.sum()


PUSHED = {"push_torque": [0.4, 0.2], "push_seconds": 0.2, "push_every": 1.0, "gravity": 0.0}


def way(seed, steps=200, substeps=1, **settings):
    """Return how far each joint is from its start after each step without torque, of 10 ms."""
    sim = SimSection(start_position=[0.3, 0.3], start_position_spread=0.0, **settings)
    with World(Robot.load("reacher2"), sim) as world:
        world.reset(np.random.default_rng(seed))
        start = world.state(0).position
        path = []
        for _ in range(steps):
            applied = world.step(np.zeros(2), substeps)
            assert not applied.any()  # a push is none of the motors' torques
            path.append(np.abs(world.state(0).position - start).max())
    return np.array(path)


def test_a_push_comes_in_the_first_half_of_its_time_and_is_drawn_by_the_seed():
    moved = np.stack([way(seed, 100, **PUSHED) for seed in range(8)])
    begins = np.argmax(moved > 1e-9, axis=1)
    assert (moved[:, -1] > 0.01).all() and len(set(begins.tolist())) > 4
    assert begins.max() <= 51  # of 100 steps
    np.testing.assert_array_equal(moved[3], way(3, 100, **PUSHED))


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.2])
def test_a_push_is_the_same_however_long_a_torque_is_held(seconds):
    pushed = PUSHED | {"push_seconds": seconds}
    for seed in range(4):
        fine, coarse = way(seed, 100, **pushed), way(seed, 20, 5, **pushed)
        assert fine[-1] > 0.0
        np.testing.assert_array_equal(fine[4::5], coarse)


def test_without_pushes_an_arm_without_weight_stays_where_it_is():
    assert way(0, gravity=0.0).max() < 1e-9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"push_torque": [1.0]}, "sim.push_torque has 1 numbers; expected one for each of the j"),
        ({"push_seconds": 0.6}, "sim.push_seconds is 0.6 s; expected at most half of sim.push_e"),
    ],
)
def test_pushes_that_cannot_be_are_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        World(Robot.load("reacher2"), SimSection(**(PUSHED | change)))


def test_a_picture_shows_the_arm_on_a_light_background():
    with at(Robot.load("pendulum"), 2.0) as world:
        picture = world.render(160, 120)
    assert picture.shape == (120, 160, 3) and picture.dtype == np.uint8
    assert picture[0, 0].min() > 230
    orange = (picture[..., 0] > 150) & (picture[..., 2] < 80)
    assert orange.sum() > 20  # the bob


@pytest.mark.parametrize("turn", [0.0, 1.5, -1.5, 2.8])
@pytest.mark.parametrize(("shoulder", "up"), [(0.0, True), (1.76, False)])
def test_an_arm_in_space_is_seen_whole_and_upright_however_far_it_stretches(turn, shoulder, up):
    robot = Robot.load(PANDA, tip=TIPS[PANDA])
    with at(robot, turn, shoulder, 0.0, -0.07, 0.0, 1.6, 0.8) as world:
        rows, columns = np.nonzero(world.render(160, 120).min(axis=2) < 225)
    assert rows.min() > 0 and rows.max() < 119
    assert columns.min() > 0 and columns.max() < 159
    assert (np.ptp(rows) > 2 * np.ptp(columns)) == up
    assert not up or np.ptp(rows) > 60  # half of the picture
