"""PyBullet's arm is the file's: masses, inertias and accelerations as pinocchio has them."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("pybullet")
pytest.importorskip("pinocchio")

from ddpg_ros.config.sections import SimSection
from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot
from sim.bullet import pybullet
from sim.dynamics import Dynamics
from sim.world import World
from test.sim.arms import Reference, arms, write

pytestmark = pytest.mark.bullet

OFTEN = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
BROUGHT = ["pendulum", "reacher2", "franka_panda/panda.urdf", "kuka_iiwa/model.urdf"]
BROUGHT += ["xarm/xarm6_robot.urdf"]


def dynamics_of(world):
    return Dynamics(world._client, world._body, world._joints, world.robot)


def moving_mass(world):
    """Sum the masses of the links beyond the first commanded joint, in PyBullet."""
    p, own, body = pybullet, world._own, world._body
    total = 0.0
    for index in range(p.getNumJoints(body, **own)):
        link = index
        while link >= 0 and link not in world._joints:
            link = p.getJointInfo(body, link, **own)[16]
        total += p.getDynamicsInfo(body, index, **own)[0] if link >= 0 else 0.0
    return total


def assert_same_physics(robot, rng):
    reference, size = Reference(robot), len(robot.joints)
    low, high = np.maximum(robot.lower, -3.0), np.minimum(robot.upper, 3.0)
    with World(robot, SimSection(physics_timestep=1e-5)) as world:
        assert moving_mass(world) == pytest.approx(reference.moving_mass, rel=1e-12)
        for _ in range(3):
            inside = 0.1 * (high - low)
            position = rng.uniform(low + inside, high - inside)
            velocity = rng.uniform(-0.5, 0.5, size) * np.minimum(robot.velocity_limit, 2.0)
            torque = rng.uniform(-1.0, 1.0, size) * np.minimum(robot.effort_limit, 1.0)
            matrix = reference.mass_matrix(position)
            np.testing.assert_allclose(
                dynamics_of(world).mass_matrix(position),
                matrix,
                atol=1e-9 * np.abs(matrix).max(),
            )
            bias = reference.bias(position, velocity)
            apart = np.abs(dynamics_of(world).bias(position, velocity) - bias).max()
            assert apart <= 1e-6 * max(1.0, np.abs(bias).max())
            world._place(position, velocity)
            world.step(torque, 1)
            changed = (world.state(0).velocity - velocity) / 1e-5
            expected = reference.acceleration(position, velocity, torque)
            apart = np.abs(changed - expected).max()
            assert apart <= 1e-4 * np.abs(expected).max()


@OFTEN
@given(arm=arms(), seed=st.integers(0, 1000))
def test_any_arm_has_the_mass_matrix_and_the_acceleration_of_its_file(tmp_path, arm, seed):
    urdf, commanded = arm
    rng = np.random.default_rng(seed)
    robot = Robot.load(str(write(tmp_path, urdf)), rng.permutation(commanded).tolist())
    assert_same_physics(robot, rng)


@pytest.mark.parametrize("arm", BROUGHT)
def test_known_arms_have_the_mass_matrix_of_their_files(arm):
    robot, rng = Robot.load(arm), np.random.default_rng(1)
    reference = Reference(robot)
    with World(robot, SimSection()) as world:
        assert moving_mass(world) == pytest.approx(reference.moving_mass, rel=1e-12)
        for _ in range(3):
            position = rng.uniform(np.maximum(robot.lower, -3), np.minimum(robot.upper, 3))
            matrix = reference.mass_matrix(position)
            np.testing.assert_allclose(
                dynamics_of(world).mass_matrix(position),
                matrix,
                atol=1e-9 * np.abs(matrix).max(),
            )


BODY = (
    '<inertial><origin xyz="0.1 0 0"/><mass value="0.2"/>'
    '<inertia ixx="1e-4" iyy="1e-3" izz="1e-3" ixy="0" ixz="0" iyz="0"/></inertial>'
)
LIMIT = '<limit effort="5" velocity="10" lower="-3" upper="3"/>'


def turning(name, parent, child, inside="", limit=LIMIT, xyz="0 0 0"):
    return (
        f'<joint name="{name}" type="revolute"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}"/><axis xyz="0 1 0"/>{limit}{inside}</joint>'
    )


def robot_of(folder, *parts, joints=(), tip=""):
    text = f'<robot name="arm"><link name="base"/>{"".join(parts)}</robot>'
    return Robot.load(str(write(folder, text)), joints, tip)


def weightless(robot, timestep, **settings):
    given = {"gravity": 0.0, "start_position_spread": 0.0, **settings}
    return World(robot, SimSection(physics_timestep=timestep, **given))


def test_fault_76_a_frame_without_inertial_weighs_nothing(tmp_path):
    frame = '<joint name="f" type="fixed"><parent link="arm"/><child link="tool"/></joint>'
    arm = f'<link name="arm">{BODY}</link><link name="tool"/>'
    with weightless(robot_of(tmp_path, arm, frame, turning("j", "base", "arm")), 1e-4) as world:
        world.step(np.array([1.0]), 1)  # 1 N·m on 1e-3 + 0.2·0.1² = 3e-3 kg·m²
        assert world.state(0).velocity[0] / 1e-4 == pytest.approx(1 / 3e-3, rel=1e-6)


def test_moments_that_were_rounded_are_not_zero(tmp_path):
    # 2e-3 > 1e-4 + 1.8e-3: of no body, and PyBullet by itself would take all three for 0
    body = BODY.replace('ixx="1e-4" iyy="1e-3" izz="1e-3"', 'ixx="1e-4" iyy="2e-3" izz="1.8e-3"')
    robot = robot_of(tmp_path, f'<link name="arm">{body}</link>', turning("j", "base", "arm"))
    with World(robot, SimSection()) as world:
        assert dynamics_of(world).mass_matrix(np.zeros(1))[0, 0] == pytest.approx(4e-3)


@pytest.mark.parametrize(
    ("links", "named", "child"),
    [
        ('<link name="a"/><link name="b"/>', "one", "a"),
        (f'<link name="a">{BODY}</link><link name="b"/>', "two", "b"),
        (f'<link name="a"/><link name="b">{BODY}</link>', "o", ""),  # both turn about one axis
    ],
)
def test_fault_76_a_joint_that_moves_no_mass_is_named_before_the_first_step(
    tmp_path, links, named, child
):
    robot = robot_of(tmp_path, links, turning("one", "base", "a"), turning("two", "a", "b"))
    with pytest.raises(RobotError, match=rf"joint '.*{named}.*' moves an inertia of .* '{child}"):
        World(robot, SimSection())


def test_moments_that_no_body_has_are_refused_with_the_link(tmp_path):
    tensor = 'ixx="0.002" ixy="0.0125" ixz="0.00625" iyy="0.167" iyz="0.000625" izz="0.168"'
    wrong = f'<inertial><mass value="0.5"/><inertia {tensor}/></inertial>'
    links = f'<link name="a">{wrong}</link><link name="b">{BODY}</link>'
    robot = robot_of(tmp_path, links, turning("one", "base", "a"), turning("two", "a", "b"))
    with pytest.raises(RobotError, match=r"no mass matrix: .* Fix the links: a\."):
        World(robot, SimSection())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (BODY.replace("0.2", "-0.2"), "has a mass of -0.2 kg"),
        (BODY.replace("0.2", "1e-300"), "has a mass of 1e-300 kg; expected 0, or at least 1e-12"),
        (BODY.replace('iyy="1e-3"', 'iyy="-1e-3"'), "principal moments of 0.0001, -0.001, 0.001"),
        (BODY.replace('"0.2"', '"heavy"'), '<mass value="heavy">; expected a finite number'),
        (BODY.replace('iyy="1e-3"', ""), "no <inertia iyy=…>; expected a finite number"),
        (BODY.replace('ixy="0"', 'ixy="nan"'), '<inertia ixy="nan">'),
        (BODY.replace("0.1 0 0", "0.1 0"), '<origin xyz="0.1 0">'),
    ],
)
def test_an_inertial_that_no_body_has_is_refused_with_the_link(tmp_path, wrong, sentence):
    robot = robot_of(tmp_path, f'<link name="arm">{wrong}</link>', turning("j", "base", "arm"))
    with pytest.raises(
        RobotError, match=f"<inertial> of link 'arm' has .*{sentence[4:]}|{sentence}"
    ):
        World(robot, SimSection())


@pytest.mark.parametrize("timestep", [0.01, 0.001])
def test_fault_77_joints_that_are_not_commanded_stand_where_the_kinematics_have_them(
    tmp_path, timestep
):
    heavy = BODY.replace('"0.2"', '"20"')
    links = "".join(f'<link name="{name}">{heavy}</link>' for name in "abcd")
    slide = turning("slide", "b", "c").replace("revolute", "prismatic")
    apart = '<limit lower="0.4" upper="1"/>'
    robot = robot_of(
        tmp_path,
        links,
        turning("lift", "base", "a", limit=apart, xyz="0 0 0.3"),
        turning("wrist", "a", "b", xyz="0.5 0 0"),
        slide.replace(LIMIT, apart),
        turning("last", "c", "d", limit="", inside='<mimic joint="slide"/>', xyz="0.2 0 0"),
        joints=["wrist"],
        tip="d",
    )
    with World(robot, SimSection(physics_timestep=timestep)) as world:
        world.step(np.array([5.0]), round(0.5 / timestep))
        state = world.state(0)
        assert abs(state.velocity[0]) > 0.1
        np.testing.assert_allclose(
            robot.tip_position(state.position), world.link_position("d"), atol=1e-9
        )


@pytest.mark.parametrize("timestep", [0.01, 0.001, 0.0001])
@pytest.mark.parametrize("damping", [0.001, 0.3, 1.0, 1e4])
def test_fault_78_damping_takes_motion_at_any_time_step(tmp_path, damping, timestep):
    inside = f'<dynamics damping="{damping}"/>'
    robot = robot_of(
        tmp_path, f'<link name="arm">{BODY}</link>', turning("j", "base", "arm", inside)
    )
    with weightless(robot, timestep) as world:
        world._place(np.zeros(1), np.array([1.0]))
        last, travelled = 1.0, 0.0
        for _ in range(round(0.2 / timestep)):
            world.step(np.zeros(1), 1)
            velocity = world.state(0).velocity[0]
            assert -1e-9 <= velocity <= last
            last, travelled = velocity, travelled + timestep * velocity
        # Of exp(−t d/I), I = 3e-3 kg·m²; the integral of it is I/d (1 − exp(−0.2 d/I)).
        rate = damping / 3e-3
        expected = (1.0 - np.exp(-0.2 * rate)) / rate
        assert travelled == pytest.approx(expected, abs=1.01 * timestep)  # one end of the sum


@pytest.mark.parametrize("damping", [0.01, 2.0])
def test_fault_78_a_damped_arm_settles_at_the_speed_of_its_torque(tmp_path, damping):
    inside = f'<dynamics damping="{damping}"/>'
    robot = robot_of(
        tmp_path,
        f'<link name="a">{BODY}</link><link name="b">{BODY}</link>',
        turning("one", "base", "a", inside),
        turning("two", "a", "b", xyz="0.2 0 0"),
    )
    with World(robot, SimSection(start_position_spread=0.0, gravity=0.0)) as world:
        world._place(np.zeros(2), np.zeros(2))
        for _ in range(200):
            world.step(np.array([0.5 * damping, 0.0]), 1)
        assert world.state(0).velocity[0] == pytest.approx(0.5, rel=0.3)


def test_fault_78_implicit_damping_is_the_equation_of_motion_in_small_steps():
    """Far above the border, small steps: the acceleration that pinocchio has with −D v."""
    robot = Robot.load("xarm/xarm6_robot.urdf")
    reference, rng = Reference(robot), np.random.default_rng(5)
    damping = reference.model.damping[reference._order]
    with World(robot, SimSection()) as world:
        assert world._damping is not None and damping.min() > 0
        world._damping._timestep = 1e-7
        world._damping._added *= 1e-7 / 0.01
        for _ in range(3):
            position = rng.uniform(np.maximum(robot.lower, -3), np.minimum(robot.upper, 3))
            velocity, torque = rng.uniform(-0.5, 0.5, 6), rng.uniform(-5.0, 5.0, 6)
            left = world._damping.torque(torque, position, velocity)
            expected = torque - damping * velocity
            np.testing.assert_allclose(left, expected, atol=0.05 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("dynamics", "sentence"),
    [
        ('friction="5"', "friction=…> takes all the effort of j, so that"),
        ('damping="1e8"', "damping=…> takes all the effort of j, so that"),
        ('damping="1e300"', "joint 'j' has a damping of 1e\\+300; expected at most 1e\\+09"),
    ],
)
def test_a_joint_that_its_motor_cannot_move_is_refused(tmp_path, dynamics, sentence):
    arm = f'<link name="arm">{BODY}</link>'
    robot = robot_of(tmp_path, arm, turning("j", "base", "arm", f"<dynamics {dynamics}/>"))
    with pytest.raises(RobotError, match=sentence):
        World(robot, SimSection())


def test_damping_below_zero_is_refused(tmp_path):
    arm = f'<link name="arm">{BODY}</link>'
    robot = robot_of(tmp_path, arm, turning("j", "base", "arm", '<dynamics damping="-1"/>'))
    with pytest.raises(RobotError, match="joint 'j' has a damping of -1; expected none below 0"):
        World(robot, SimSection())


@OFTEN
@given(seed=st.integers(0, 1000), substeps=st.sampled_from([1, 4]))
def test_fault_79_no_joint_is_faster_or_goes_further_than_its_own_limit_allows(
    tmp_path, seed, substeps
):
    arm = "".join(f'<link name="{name}">{BODY}</link>' for name in "abc")
    limits = [LIMIT.replace('"10"', f'"{limit}"') for limit in (1, 5, 0.2)]
    robot = robot_of(
        tmp_path,
        arm,
        turning("one", "base", "a", limit=limits[0]),
        turning("two", "a", "b", limit=limits[1], xyz="0.2 0 0"),
        turning("three", "b", "c", limit=limits[2], xyz="0.2 0 0"),
    )
    rng = np.random.default_rng(seed)
    with World(robot, SimSection(start_velocity_spread=9.0, start_position_spread=0.5)) as world:
        world.reset(rng)
        before = world.state(0)
        for _ in range(50):
            assert (np.abs(before.velocity) <= robot.velocity_limit + 1e-9).all()
            world.step(rng.uniform(-5.0, 5.0, 3), substeps)
            state = world.state(0)
            moved = np.abs(state.position - before.position)
            assert (moved <= robot.velocity_limit * 0.01 * substeps + 1e-9).all()
            before = state


def test_a_base_whose_inertial_is_turned_leaves_gravity_as_it_is(tmp_path):
    turned = (
        '<link name="base"><inertial><origin xyz="0.1 0 0.3" rpy="0.5 0.7 0.2"/><mass value="3"/>'
        '<inertia ixx="0.03" iyy="0.02" izz="0.02" ixy="0.005" ixz="0" iyz="0.002"/></inertial>'
        "</link>"
    )
    limit = '<limit effort="50" velocity="50" lower="-3" upper="3"/>'
    file = tmp_path / "turned.urdf"
    file.write_text(
        f'<robot name="turned">{turned}<link name="arm"><inertial><origin xyz="0.5 0 0"/>'
        '<mass value="2"/><inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/>'
        '</inertial></link><joint name="j" type="revolute"><parent link="base"/>'
        f'<child link="arm"/><axis xyz="0 1 0"/>{limit}</joint></robot>'
    )
    with World(Robot.load(str(file)), SimSection()) as world:
        weight = dynamics_of(world).bias(np.zeros(1), np.zeros(1))
    assert weight == pytest.approx([-9.81], abs=1e-6)  # 2 kg at 0.5 m, falling about +y
