"""Continuous joints turn freely, whatever the file says and however a driver wraps them."""

import math

import numpy as np
import pytest

from ddpg_ros.build import build_arm
from ddpg_ros.config.sections import SimSection
from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.safety.admission import Admission, Arrival
from ddpg_ros.types import JointState

URDF = """<robot name="wheel"><link name="base"/>
<link name="arm"><inertial><origin xyz="0.2 0 0"/><mass value="1"/>
  <inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
<joint name="turn" type="continuous"><parent link="base"/><child link="arm"/><axis xyz="0 0 1"/>
  <limit effort="5" velocity="6" {0}/><dynamics damping="0"/></joint>
<link name="tip"/><joint name="end" type="fixed"><parent link="arm"/><child link="tip"/>
  <origin xyz="0.4 0 0"/></joint></robot>"""

WRAPS = {
    "unwrapped": lambda angle: angle,
    "minus pi to pi": lambda angle: math.remainder(angle, math.tau),
    "0 to two pi": lambda angle: angle % math.tau,
}


@pytest.fixture(params=["", 'lower="-1" upper="1"'], ids=["free", "with lower and upper"])
def urdf(request, tmp_path):
    file = tmp_path / "wheel.urdf"
    file.write_text(URDF.format(request.param))
    return str(file)


def run(urdf, wrap):
    """Turn by three and a half turns at 5 rad/s; return the torques and what the task sees."""
    config = Config().with_parameters({"robot.urdf": urdf, "control.period": 0.02})
    robot, task, guard = build_arm(config)
    admission = Admission(robot.joints, robot.velocity_limit, robot.lower, True)
    task.reset(np.random.default_rng(0))
    sent, seen = [], []
    for tick in range(1, 220):
        angle = np.array([wrap(0.3 + 5.0 * 0.02 * tick)])
        state = JointState(tick * 20_000_000, angle, np.array([5.0]))
        assert admission.look(state, 0.02 * tick) is Arrival.NEW
        torque = guard.apply(np.array([2.0 * math.sin(0.1 * tick)]), angle, state.velocity, 0.02)
        assert guard.fault == ""
        sent.append(torque[0])
        seen.append(task.observe(state))
    return np.array(sent), np.array(seen)


@pytest.mark.parametrize("name", list(WRAPS)[1:])
def test_a_wrapped_angle_is_no_jump_for_admission_guard_and_task(urdf, name):
    torque, seen = run(urdf, WRAPS["unwrapped"])
    wrapped, also_seen = run(urdf, WRAPS[name])
    assert wrapped == pytest.approx(torque, abs=1e-9)
    assert also_seen == pytest.approx(seen, abs=1e-5)
    assert np.abs(torque).max() > 1.0


@pytest.mark.bullet
def test_the_simulator_lets_it_turn(urdf):
    pytest.importorskip("pybullet")
    from sim.world import World

    settings = SimSection(gravity=0.0, start_position_spread=0.0, physics_timestep=0.001)
    robot = Robot.load(urdf)
    with World(robot, settings) as world:
        world.step(np.array([0.1]), 3000)
        # 0.1 N·m on 1 kg at 0.2 m and 0.01 kg·m²: 2 rad/s², so 9 rad after 3 s.
        assert world.state(0).position == pytest.approx([9.0], rel=0.01)
