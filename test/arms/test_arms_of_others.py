"""Every arm of the package example-robot-data: `make test-arms`."""

from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

pytest.importorskip("pybullet")

from benchmarks.arms import ARMS, robots
from ddpg_ros.config.sections import SimSection
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.loads import finite_range
from ddpg_ros.robot.posture import choose_start
from ddpg_ros.tasks.goals import JOINTS, POSE, TRAJECTORY
from sim.camera import BACKGROUND
from sim.dynamics import Dynamics
from sim.world import World
from test.sim.arms import Reference
from test.sim.test_physics import moving_mass
from test.tasks_on_arms import TASKS, require_fit

try:
    robots()
except PackageNotFoundError:
    pytest.skip("needs example-robot-data: make test-arms", allow_module_level=True)

pytestmark = [pytest.mark.bullet, pytest.mark.slow]

SINKS = 0.01  # [m] in a second, at the tip


@pytest.fixture(scope="module", params=ARMS, ids=[arm.name for arm in ARMS])
def robot(request) -> Robot:
    return request.param.load()


@pytest.fixture(scope="module")
def world(robot):
    with World(robot, SimSection(physics_timestep=0.002)) as world:
        yield world


@pytest.fixture(scope="module")
def reference(robot) -> Reference:
    return Reference(robot)


@pytest.fixture(scope="module")
def mass(robot) -> MassMatrix:
    return MassMatrix(robot)


def test_it_weighs_what_its_file_says(world, reference):
    assert moving_mass(world) == pytest.approx(reference.moving_mass, rel=1e-12)


def test_the_torque_against_gravity_is_the_files_and_pybullets(robot, world, reference, mass):
    rng, rest = np.random.default_rng(0), np.zeros(len(robot.joints))
    bullet = Dynamics(world._client, world._body, world._joints, robot)
    for _ in range(20):
        position = rng.uniform(*finite_range(robot))
        ours = mass.weight(position)
        assert ours == pytest.approx(reference.bias(position, rest), abs=1e-9)
        assert ours == pytest.approx(bullet.bias(position, rest), abs=1e-6)


def test_its_tip_is_where_pybullet_has_it(robot, world):
    rng = np.random.default_rng(1)
    for _ in range(20):
        position = rng.uniform(*finite_range(robot))
        world.touches_itself(position)
        apart = world.link_position(robot.tip) - robot.tip_position(position)
        assert np.linalg.norm(apart) < 1e-5


def test_it_stands_in_its_own_weight(robot, world, mass):
    start = choose_start(
        robot,
        np.minimum(robot.effort_limit, 1e6),  # the PR2's lift cannot carry the arm everywhere
        mass.weight,
        world.touches_itself,
    )
    world._place_at_rest(start)
    for _ in range(100):
        world.step(mass.weight(world.state(0).position), 5)
    moved = robot.tip_position(world.state(0).position) - robot.tip_position(start)
    assert np.linalg.norm(moved) < SINKS


def test_it_moves_and_stays_finite(robot, world, mass):
    rng = np.random.default_rng(2)
    most = np.minimum(robot.effort_limit, 20.0 * mass.heaviest)
    before = world.state(0).position
    for _ in range(25):
        world.step(rng.uniform(-1.0, 1.0, len(most)) * most, 20)
    state = world.state(0)
    assert np.isfinite(state.position).all() and np.isfinite(state.velocity).all()
    assert (np.abs(state.position - before) > 1e-4).any()


@pytest.mark.parametrize("task", TASKS)
def test_its_goals_can_be_met_and_are_drawn(robot, world, task):
    rng = np.random.default_rng(3)
    require_fit(robot, task, rng)
    kind = {"pose": POSE, "track": TRAJECTORY}.get(task, JOINTS)
    before = world.render(160, 120)
    world.show_goal(kind, kind.here(robot, rng.uniform(*finite_range(robot))))
    assert (world.render(160, 120) != before).any()


def test_it_is_drawn(world):
    pixels = world.render(160, 120)
    assert (pixels != np.array(BACKGROUND)).any(axis=2).sum() > 40
