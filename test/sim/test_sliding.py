"""Arms with joints that slide: a gantry and a SCARA, in metres and newtons."""

import math

import numpy as np
import pytest

pytest.importorskip("pybullet")

from ddpg_ros.config.sections import SimSection
from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.safety.guard import Guard
from sim.world import World

pytestmark = pytest.mark.bullet


def link(name, mass):
    inertia = f'<inertia ixx="{0.01 * mass}" iyy="{0.01 * mass}" izz="{0.01 * mass}"'
    return (
        f'<link name="{name}"><inertial><mass value="{mass}"/>{inertia} ixy="0" ixz="0" iyz="0"/>'
        "</inertial></link>"
    )


def joint(name, kind, parent, child, axis, limit, xyz="0 0 0"):
    lower, upper, velocity, effort = limit
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}"/><axis xyz="{axis}"/><limit lower="{lower}" upper="{upper}" '
        f'velocity="{velocity}" effort="{effort}"/></joint>'
    )


GANTRY = (
    '<robot name="gantry"><link name="base"/>'
    + link("bridge", 20)
    + link("cart", 5)
    + link("ram", 2)
    + joint("x", "prismatic", "base", "bridge", "1 0 0", (-1, 1, 1, 400))
    + joint("y", "prismatic", "bridge", "cart", "0 1 0", (-0.5, 0.5, 1, 100), "0 0 1")
    + joint("z", "prismatic", "cart", "ram", "0 0 -1", (0, 0.4, 0.5, 60))
    + "</robot>"
)
SCARA = (
    '<robot name="scara"><link name="base"/>'
    + link("upper", 3)
    + link("fore", 2)
    + link("quill", 0.5)
    + joint("shoulder", "revolute", "base", "upper", "0 0 1", (-2.5, 2.5, 6, 40), "0 0 0.4")
    + joint("elbow", "revolute", "upper", "fore", "0 0 1", (-2.4, 2.4, 8, 20), "0.3 0 0")
    + joint("lift", "prismatic", "fore", "quill", "0 0 1", (-0.15, 0, 0.8, 30), "0.25 0 0")
    + "</robot>"
)


@pytest.fixture(params=[GANTRY, SCARA], ids=["gantry", "scara"])
def robot(request, tmp_path):
    file = tmp_path / "arm.urdf"
    file.write_text(request.param)
    return Robot.load(str(file))


def free(**changes):
    return SimSection(**({"gravity": 0.0, "physics_timestep": 0.001} | changes))


def test_the_tip_is_where_the_drawing_has_it_and_where_pybullet_has_it(robot):
    rng = np.random.default_rng(0)
    with World(robot, free()) as world:
        for _ in range(20):
            q = rng.uniform(robot.lower, robot.upper)
            if robot.name == "gantry":
                expected = [q[0], q[1], 1.0 - q[2]]
            else:
                a, b = q[0], q[0] + q[1]
                expected = [
                    0.3 * math.cos(a) + 0.25 * math.cos(b),
                    0.3 * math.sin(a) + 0.25 * math.sin(b),
                    0.4 + q[2],
                ]
            assert robot.tip_position(q) == pytest.approx(np.array(expected), abs=1e-12)
            world._place_at_rest(q)
            assert world.link_position(robot.tip) == pytest.approx(expected, abs=1e-6)


def test_the_mass_that_a_sliding_joint_moves_is_what_hangs_on_it(robot):
    mass = MassMatrix(robot).at(0.5 * (robot.lower + robot.upper))
    expected = [27.0, 7.0, 2.0] if robot.name == "gantry" else [None, None, 0.5]
    for index, kilograms in enumerate(expected):
        if kilograms is not None:
            assert mass[index, index] == pytest.approx(kilograms)


def test_a_force_accelerates_it_by_force_over_mass(tmp_path):
    file = tmp_path / "gantry.urdf"
    file.write_text(GANTRY)
    with World(Robot.load(str(file)), free(start_position_spread=0.0)) as world:
        world.step(np.array([27.0, 14.0, 1.0]), 100)
        assert world.state(0).velocity == pytest.approx([0.1, 0.2, 0.05], rel=0.02)


def test_gravity_pulls_the_ram_and_the_quill_down(robot):
    with World(robot, free(gravity=9.81, start_position_spread=0.0)) as world:
        start = robot.tip_position(world.state(0).position)[2]
        world.step(np.zeros(3), 50)
        fallen = start - robot.tip_position(world.state(0).position)[2]
        assert fallen == pytest.approx(0.5 * 9.81 * 0.05**2, rel=0.05)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_guard_stops_each_joint_before_its_limit_however_hard_it_is_pushed(robot, index):
    period = 0.01
    settings = {"robot.urdf": str(robot.urdf_path), "control.period": period}
    settings |= {"robot.torque_rate": 4000.0, "safety.k_position": [5.0] * 3}
    guard = Guard.of(robot, Config().with_parameters(settings))
    push = np.zeros(3)
    push[index] = robot.effort_limit[index]
    with World(robot, free(start_position_spread=0.0)) as world:
        for _ in range(600):
            state = world.state(0)
            world.step(guard.apply(push, state.position, state.velocity, period), 10)
            assert world.state(0).position[index] <= robot.upper[index] + 1e-6
    assert guard.fault == ""
    assert world is not None and state.position[index] > robot.upper[index] - 0.06
