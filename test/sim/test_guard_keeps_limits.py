"""Random torques for a hundred seconds: with the guard the arm stays between its limits.

The simulated arm is a copy without position limits, so that what holds it is the guard.
"""

import re
from dataclasses import replace

import numpy as np
import pytest

from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.sections import SimSection
from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.urdf import find_urdf
from ddpg_ros.safety.guard import Guard

pytest.importorskip("pybullet")
from sim.world import World
from test.dotted import dotted

pytestmark = [pytest.mark.bullet, pytest.mark.slow]

LONG, SHORT = 100.0, 40.0  # [s], with a new torque every 0.8 s
TOLERANCE = Config().safety.position_tolerance  # [rad]


@pytest.fixture
def wide(tmp_path):
    """Return a function that loads an arm without position limits, and without its looks."""

    def load(arm):
        text = re.sub(r'lower="\S+" upper="\S+"', "", find_urdf(arm).read_text())
        text = re.sub(r"<(visual|collision)>.*?</\1>", "", text, flags=re.DOTALL)
        file = tmp_path / "arm.urdf"
        file.write_text(text.replace('type="revolute"', 'type="continuous"'))
        return Robot.load(str(file))

    return load


def furthest(robot, unlimited, seconds, *, guarded, full, gravity=9.81, base=None, **settings):
    """Hold random torques for random times; return how far a joint was beyond a limit [rad]."""
    config = (base or Config()).with_parameters(dotted(**settings))
    guard, period = Guard.of(robot, config), config.control.period
    limits = guard.limits
    rng = np.random.default_rng(1)
    start = config.sim.start_position or np.zeros(len(robot.joints))
    start = np.clip(start, limits.soft_lower, limits.soft_upper)
    sim = SimSection(gravity=gravity, start_position=start.tolist(), start_position_spread=0.0)
    beyond, left, steps = -np.inf, 0, round(seconds / period)
    with World(unlimited, sim) as world:
        for _ in range(steps):
            state = world.state(0)
            out = np.maximum(state.position - robot.upper, robot.lower - state.position)
            beyond = max(beyond, float(out.max()))
            if left == 0:
                left = rng.integers(1, round(1.6 / period))
                share = rng.uniform(-1.0, 1.0, len(out))
                torque = limits.torque * (np.sign(share) if full else share)
            left -= 1
            sent = guard.apply(torque, state.position, state.velocity, period)
            world.step(sent if guarded else torque, config.substeps)
    assert guard.counts.soft > steps / 10
    return beyond


@pytest.mark.parametrize("full", [False, True], ids=["some torque", "full torque"])
@pytest.mark.parametrize("period", [0.01, 0.04])
def test_the_guard_keeps_the_two_links_between_their_limits(wide, period, full):
    arms, how = (Robot.load("reacher2"), wide("reacher2")), {"full": full}
    how["control__period"] = period
    thrown = full and period > 0.02  # a straight elbow, by the shoulder's whole torque
    assert furthest(*arms, LONG, guarded=True, **how) <= (0.17 if thrown else TOLERANCE)
    assert furthest(*arms, SHORT, guarded=False, **how) > 1.0


@pytest.mark.parametrize("full", [False, True], ids=["some torque", "full torque"])
def test_the_guard_keeps_a_pendulum_between_limits_that_it_is_given(wide, full):
    unlimited = wide("pendulum")
    robot = replace(unlimited, lower=np.array([-2.0]), upper=np.array([2.0]))
    # Where v = k_position · distance, the joint brakes with k_position² · distance; from 4 rad
    # away that has to be below torque / inertia = 2 / 0.3 rad/s².
    how = {"full": full, "gravity": 0.0, "control__period": 0.05, "safety__k_position": [1.25]}
    assert furthest(robot, unlimited, LONG, guarded=True, **how) <= TOLERANCE
    assert furthest(robot, unlimited, SHORT, guarded=False, **how) > 1.0


@pytest.mark.parametrize("full", [False, True], ids=["some torque", "full torque"])
def test_the_settings_for_the_panda_brake_it_within_less_than_a_radian(wide, full):
    # Seven coupled joints without friction, at 25 Hz: none is held within the tolerance always.
    base = load_config("panda")
    arms = (Robot.load(base.robot.urdf), wide(base.robot.urdf))
    how = {"full": full, "gravity": 0.0, "base": base}
    assert furthest(*arms, LONG, guarded=True, **how) <= 0.85
    assert furthest(*arms, SHORT, guarded=False, **how) > 1.0
