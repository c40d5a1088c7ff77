"""The arm's weight g(q) and its payload: by hand, and as the slope of the energy."""

import numpy as np
import pytest

from ddpg_ros.build import build_arm, build_guard
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.payload import Payload
from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.weight import (
    describe_weight,
    falls_fast,
    require_friction_overcome,
    too_heavy,
)
from test.dotted import dotted

LEVEL = np.array([np.pi / 2])
ROD = 9.81 * 0.93 * 0.5516129  # [N·m], the pendulum of the file, level
BOB = 0.6  # [m] from the joint to the tip


def test_a_level_pendulum_weighs_mass_times_lever():
    mass = MassMatrix(Robot.load("pendulum"))
    assert abs(mass.weight(LEVEL)[0]) == pytest.approx(ROD, rel=1e-5)
    assert mass.weight(0.0 * LEVEL)[0] == pytest.approx(0.0, abs=1e-12)
    assert mass.heaviest_weight[0] == pytest.approx(ROD, rel=1e-3)


@pytest.mark.parametrize(("centre", "lever"), [((0, 0, 0), BOB), ((0, 0, -0.2), BOB + 0.2)])
def test_a_payload_adds_its_mass_times_its_lever_and_its_inertia(centre, lever):
    robot, payload = Robot.load("pendulum"), Payload(2.0, centre)
    with_it, without = MassMatrix(robot, payload), MassMatrix(robot)
    more = abs(with_it.weight(LEVEL)[0]) - abs(without.weight(LEVEL)[0])
    assert more == pytest.approx(9.81 * 2.0 * lever, rel=1e-6)
    inertia = with_it.at(LEVEL) - without.at(LEVEL)
    assert inertia[0, 0] == pytest.approx(2.0 * lever**2, rel=1e-6)


def test_gravity_is_what_it_is_told():
    robot = Robot.load("pendulum")
    moon = MassMatrix(robot, gravity=1.62).weight(LEVEL)
    assert moon * 9.81 / 1.62 == pytest.approx(MassMatrix(robot).weight(LEVEL))


@pytest.mark.parametrize("order", [1, -1])
def test_it_follows_the_joints_in_any_order(order):
    pytest.importorskip("pybullet_data")
    names = [f"panda_joint{number}" for number in range(1, 8)]
    position = np.array([0.3, -0.6, 0.2, -2.0, 0.4, 1.5, 0.1])
    robot = Robot.load("franka_panda/panda.urdf", names[::order], "panda_link8")
    weight = MassMatrix(robot).weight(position[::order])
    expected = MassMatrix(Robot.load("franka_panda/panda.urdf", names, "panda_link8"))
    assert weight[::order] == pytest.approx(expected.weight(position), abs=1e-9)


HEAVY = dotted(robot__urdf="pendulum", sim__start_position=[1.2])


@pytest.mark.parametrize(
    ("gravity", "payload", "limit"), [("model", 0.0, "2"), ("driver", 3.0, "2")]
)
def test_fault_91_an_arm_too_heavy_for_its_motors_where_it_starts_is_refused(
    gravity, payload, limit
):
    given = HEAVY | dotted(robot__gravity=gravity, robot__payload_mass=payload)
    needed = np.sin(1.2) * (ROD + 9.81 * payload * BOB)
    sentence = rf"joint \w+ needs {needed:.4g} N·m, and its limit is {limit} N·m"
    with pytest.raises(ConfigError, match=sentence):
        build_arm(Config().with_parameters(given))


RUBS = """<robot name="rubs"><link name="base"/><link name="arm"><inertial><mass value="1"/>
<origin xyz="0.1 0 0"/><inertia ixx="0.01" iyy="0.01" izz="0.01"/></inertial></link>
<joint name="turn" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 0 1"/>
<limit effort="5" velocity="2" lower="-1" upper="1"/><dynamics friction="2"/></joint></robot>"""


def test_what_slides_is_too_heavy_in_newtons(tmp_path):
    file = tmp_path / "lift.urdf"
    file.write_text(RUBS.replace("revolute", "prismatic"))  # 1 kg along z
    given = dotted(robot__urdf=str(file), robot__torque_limit=[5.0], robot__gravity="model")
    with pytest.raises(ConfigError, match=r"joint turn needs 9\.81 N, and its limit is 5 N\. Exp"):
        build_arm(Config().with_parameters(given | dotted(robot__tip="arm")))


@pytest.mark.parametrize(("limit", "moves"), [(1.0, False), (2.0, False), (2.5, True)])
def test_a_torque_limit_below_the_friction_that_the_simulator_has_is_refused(
    tmp_path, limit, moves
):
    file = tmp_path / "rubs.urdf"
    file.write_text(RUBS)
    config = Config().with_parameters(
        dotted(robot__urdf=str(file), robot__torque_limit=[limit], robot__tip="arm")
    )
    robot, guard = build_guard(config)
    if moves:
        require_friction_overcome(robot, guard.limits.torque)
        return
    sentence = f"joint turn has a friction of 2 N·m, its limit is {limit:g}"
    with pytest.raises(ConfigError, match=sentence):
        require_friction_overcome(robot, guard.limits.torque)


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ([9.0, 1.0], "sim.start_position puts shoulder at 9 rad; expected -2.4 to 2.4 rad"),
        ([0.0], "sim.start_position has 1 numbers; expected one for each of the joints"),
    ],
)
@pytest.mark.parametrize("gravity", ["none", "driver"])
def test_a_start_position_that_does_not_fit_is_refused_before_anything_starts(
    start, sentence, gravity
):
    given = dotted(sim__start_position=start, robot__gravity=gravity)
    with pytest.raises(ConfigError, match=sentence):
        build_arm(Config().with_parameters(given))


@pytest.mark.parametrize(
    "more",
    [
        {"robot__gravity": "none"},  # nobody is to hold it
        {"robot__gravity": "model", "sim__start_position": [0.1]},
        {"robot__gravity": "model", "control__reset_service": "", "run__clock": "realtime"},
    ],
)
def test_an_arm_that_nobody_places_there_or_holds_is_not_refused(more):
    build_arm(Config().with_parameters(HEAVY | dotted(**more)))


def test_a_swing_up_of_a_pendulum_that_somebody_carries_is_refused():
    given = dotted(robot__urdf="pendulum", task__name="swing_up")
    with pytest.raises(ConfigError, match=r"robot\.gravity is driver; expected .* none"):
        build_arm(Config().with_parameters(given))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (dotted(robot__payload_centre=[0.0, 1.0]), "expected three numbers"),
        (dotted(robot__payload_centre=[0.0, 50.0, 0.0]), "expected metres, none beyond 10"),
        (dotted(robot__payload_mass=1e-300), "expected 0, or at least 1e-12 kg"),
        (dotted(robot__payload_mass=-1.0), "greater than or equal to 0"),
        (dotted(robot__gravity="me"), "'driver', 'model' or 'none'"),
        (dotted(robot__gravity="model", sim__gravity=0.0), "expected robot.gravity: none"),
    ],
)
def test_settings_of_the_weight_that_cannot_be_are_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Config().with_parameters(given)


def test_the_start_says_who_carries_the_arm_and_where_it_is_too_heavy():
    given = dotted(robot__urdf="pendulum", robot__gravity="model", robot__payload_mass=1.0)
    config = Config().with_parameters(given)
    robot = Robot.load("pendulum")
    guard = Guard.of(robot, config)
    said = describe_weight(guard, config.robot)
    assert "this node carries the arm" in said
    assert "a payload of 1 kg" in said
    assert f"{robot.joints[0]} {ROD + 9.81 * BOB:.3g} of 2" in too_heavy(guard)
    able = Guard.of(Robot.load("reacher2"), Config().with_parameters({"robot.gravity": "model"}))
    assert not too_heavy(able)


def test_a_standing_pendulum_falls_at_the_root_of_gravity_over_length():
    mass = MassMatrix(Robot.load("pendulum"))
    inertia = mass.at(LEVEL)[0, 0]
    assert mass.fall_rate() == pytest.approx((ROD / inertia) ** 0.5, rel=0.01)
    assert MassMatrix(Robot.load("reacher2")).fall_rate() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("period", "said"), [(0.2, True), (0.1, False)])
def test_the_start_says_when_the_arm_falls_too_fast_for_the_period(period, said):
    given = {"robot.urdf": "pendulum", "robot.gravity": "model", "control.period": period}
    guard = Guard.of(Robot.load("pendulum"), Config().with_parameters(given))
    sentence = falls_fast(guard, period)
    assert ("Expected at most 0.12 s" in sentence) is said
