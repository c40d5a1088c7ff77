"""Weight in the simulator: g(q) is PyBullet's own, drivers and brakes hold, payloads weigh."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.sections import SimSection
from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.payload import NO_PAYLOAD, Payload
from ddpg_ros.types import JointState
from test.dotted import dotted
from test.sim.arms import arms

pytest.importorskip("pybullet")
from sim.gym_env import ArmEnv
from sim.world import World

pytestmark = pytest.mark.bullet

LOAD = Payload(1.5, (0.02, -0.03, 0.1))
EQUAL = 1e-6  # [N·m]
BROUGHT = ["pendulum", "reacher2", "franka_panda/panda.urdf", "kuka_iiwa/model.urdf"]


def differs(robot: Robot, payload: Payload = NO_PAYLOAD, positions: int = 20) -> float:
    """Return the largest difference of g(q) to PyBullet's inverse dynamics [N·m]."""
    mass = MassMatrix(robot, payload)
    low = np.maximum(robot.lower, -math.pi)
    high = np.minimum(robot.upper, math.pi)
    drawn = np.random.default_rng(0).uniform(low, high, (positions, len(low)))
    with World(robot, SimSection(), payload=payload) as world:
        return max(float(np.abs(mass.weight(q) - world.weight(q)).max(initial=0.0)) for q in drawn)


@pytest.mark.parametrize("payload", [NO_PAYLOAD, LOAD])
@pytest.mark.parametrize("arm", BROUGHT)
def test_the_weight_is_that_of_pybullets_inverse_dynamics(arm, payload):
    assert differs(Robot.load(arm), payload) < EQUAL


@settings(deadline=None, max_examples=15)
@given(arms())
def test_the_weight_of_random_arms_is_pybullets(tmp_path_factory, drawn):
    text, commanded = drawn[0], drawn[1]
    file = tmp_path_factory.mktemp("drawn") / "arm.urdf"
    file.write_text(text)
    assert differs(Robot.load(str(file), commanded), LOAD, 5) < EQUAL


def moved(world: World, steps: int, torque) -> float:
    """Return how far a joint goes in some control periods of 40 ms [rad]."""
    begun = world.state(0).position
    for _ in range(steps):
        at = world.state(0)
        if torque is None:
            world.hold(4)
        else:
            world.step(torque(at), 4)
    return float(np.abs(world.state(0).position - begun).max())


def config_of(name: str, **changes) -> Config:
    return load_config(name).with_parameters(dotted(**changes))


@pytest.mark.parametrize("name", ["panda", "iiwa"])
def test_a_driver_that_carries_the_arm_holds_it_with_zero_torque_and_nobody_lets_it_fall(name):
    config = config_of(name)
    robot = Robot.load(config.robot.urdf, config.robot.joints, config.robot.tip)

    def zero(_: JointState):
        return np.zeros(7)

    with World(robot, config.sim, payload=LOAD, driver_carries=True) as world:
        assert moved(world, 75, zero) < 1e-9
    with World(robot, config.sim, payload=LOAD) as world:
        assert moved(world, 75, zero) > 1.0


@pytest.mark.parametrize("name", ["panda", "iiwa"])
def test_a_driver_that_carries_the_arm_moves_it_as_if_it_had_no_weight(name):
    config = config_of(name)
    robot = Robot.load(config.robot.urdf, config.robot.joints, config.robot.tip)
    weightless = config.sim.model_copy(update={"gravity": 0.0})
    limit = np.array(config.robot.torque_limit)
    with (
        World(robot, config.sim, driver_carries=True) as carried,
        World(robot, weightless) as without,
    ):
        rng = np.random.default_rng(0)
        for _ in range(25):
            torque = 0.2 * limit * rng.uniform(-1.0, 1.0, 7)
            carried.step(torque, 4)
            without.step(torque, 4)
        ends = carried.state(0), without.state(0)
        assert np.abs(ends[1].velocity).max() > 0.1  # [rad/s]
        assert ends[0].position == pytest.approx(ends[1].position, abs=1e-6)


def test_a_driver_gives_no_more_than_the_motors_have():
    robot = Robot.load("pendulum")  # 5 N·m when level, with motors of 2
    level = SimSection(start_position=[1.57], start_position_spread=0.0)
    with World(robot, level, driver_carries=True) as world:
        assert moved(world, 20, lambda _: np.zeros(1)) > 0.2
    leaning = SimSection(start_position=[0.2], start_position_spread=0.0)
    with World(robot, leaning, driver_carries=True) as world:
        assert moved(world, 20, lambda _: np.zeros(1)) < 1e-9


def test_brakes_hold_the_arm_and_open_again():
    config = config_of("panda")
    robot = Robot.load(config.robot.urdf, config.robot.joints, config.robot.tip)
    mass = MassMatrix(robot, LOAD)
    with World(robot, config.sim, payload=LOAD) as world:
        at = world.state(0).position
        assert moved(world, 50, None) < 0.01  # 2 s
        tip = robot.tip_position(world.state(0).position) - robot.tip_position(at)
        assert np.linalg.norm(tip) / 2.0 < 0.01  # [m/s]
        carried = moved(world, 25, lambda state: mass.weight(state.position))
        assert carried < 0.01
        assert moved(world, 25, lambda _: np.zeros(7)) > 0.5


FRICTION = """
<robot name="rubs"><link name="base"/>
  <joint name="j" type="continuous"><parent link="base"/><child link="arm"/><axis xyz="0 1 0"/>
    <limit effort="9" velocity="9"/><dynamics friction="{friction}"/></joint>
  <link name="arm"><inertial><origin xyz="0 0 -0.1"/><mass value="1"/>
    <inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
</robot>"""


@pytest.mark.parametrize(("friction", "moves"), [(0.7, False), (0.3, True), (0.0, True)])
def test_the_friction_of_the_file_holds_what_weighs_less_than_it(tmp_path, friction, moves):
    # At an angle of 30° the arm needs 9.81 N · 0.1 m · sin 30° = 0.49 N·m.
    file = tmp_path / "rubs.urdf"
    file.write_text(FRICTION.format(friction=friction))
    start = SimSection(start_position=[math.pi / 6], start_position_spread=0.0)
    with World(Robot.load(str(file)), start) as world:
        assert (moved(world, 25, lambda _: np.zeros(1)) > 0.1) is moves


def test_friction_slows_a_joint_by_what_it_says_over_the_inertia(tmp_path):
    file = tmp_path / "rubs.urdf"
    file.write_text(FRICTION.format(friction=0.04))
    weightless = SimSection(gravity=0.0, physics_timestep=0.001)
    with World(Robot.load(str(file)), weightless) as world:
        world._place(np.zeros(1), np.array([2.0]))
        for _ in range(250):
            world.step(np.zeros(1), 1)
        slowed = 2.0 - world.state(0).velocity[0]
    assert slowed == pytest.approx(0.25 * 0.04 / 0.02, rel=0.01)


@pytest.mark.parametrize("gravity", ["driver", "model"])
def test_an_environment_without_ros_carries_its_arm_likewise(gravity):
    config = config_of("panda", robot__gravity=gravity, robot__payload_mass=1.0)
    env = ArmEnv(config)
    env.reset(seed=0)
    begun = env._world.state(0).position
    for _ in range(50):
        env.step(np.zeros(7, dtype=np.float32))
    assert np.abs(env._world.state(0).position - begun).max() < 1e-6
    env.close()
