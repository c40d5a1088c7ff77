"""An arm that the guard carries: what stands in for the policy holds it, and only brakes.

The arms are those of `test_stop.py`, with motors that can carry them, in gravity. Each torque is
heard one control period late.
"""

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from ddpg_ros.build import build_guard
from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.weight import SLOW_ENOUGH
from test.dotted import dotted
from test.safety.test_stop import Arm, decades, drawn, drawn_arm, urdf_of

SINKS = 0.01  # [m/s] at the tip
drawing = settings(
    deadline=None,
    max_examples=15,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # an arm takes a second: none is made smaller
)
strength = st.floats(1.2, 4.0)  # torque limit over the largest weight
VERTICAL = dotted(
    robot__urdf="pendulum",
    robot__gravity="model",
    control__period=0.01,
    sim__physics_timestep=0.01,
)


def strong(links, factor):
    """Return the links with motors that carry them anywhere, and the settings for that."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "drawn.urdf"
        file.write_text(urdf_of(links))
        weight = MassMatrix(Robot.load(str(file))).heaviest_weight
    effort = np.maximum(factor * weight, 0.5).tolist()
    able = [one | {"effort": most} for one, most in zip(links, effort, strict=True)]
    rate = max(250.0, 3.0 * max(effort))  # [N·m/s], of the torque about the default's share
    return able, {"robot__gravity": "model", "robot__torque_rate": rate}


class Carried(Arm):
    """An arm in gravity, held where it is by the guard."""

    def __init__(self, robot, config, position, velocity):
        super().__init__(robot, config, position, velocity)
        self._model.gravity.linear = np.array([0.0, 0.0, -9.81])
        self.guard.reset()
        self.torque = self.holding = self.mass.weight(position)
        self.added = self.most = 0.0  # energy on top of what holds the arm, and its largest [J]

    def move_for(self, seconds, next_torque):
        """Move by the torque in force; the next one is in force from then on."""
        before, on_top = self.position, self.torque - self.holding
        left = seconds
        while left > 1e-12:
            h = min(left, 0.004, 0.02 / max(1.0, float(np.abs(self.velocity).max())))
            self._step(h)
            left -= h
        self.added += float(on_top @ (self.position - before))
        self.most = max(self.most, self.added)
        self.torque, self.holding = next_torque, self.guard.carried
        self.sent.append(next_torque)

    @property
    def tip_speed(self):
        """Of the fingertip, by a central difference [m/s]."""
        way = 1e-6 * self.velocity
        ahead, behind = (
            self.robot.tip_position(self.position + sign * way) for sign in (1.0, -1.0)
        )
        return float(np.linalg.norm(ahead - behind)) / 2e-6


@drawing
@given(**drawn, factor=strength)
def test_fault_90_a_stop_of_an_arm_that_is_carried_adds_no_energy_beyond_its_weight(
    links, period, share, start, factor
):
    able, settings_ = strong(links, factor)
    with drawn_arm(able, period, share, start, Carried, **settings_) as arm:
        assume(arm.guard.carrier.fall_share <= SLOW_ENOUGH)  # else the start says so
        begun = arm.energy
        for _ in range(min(150, math.ceil(3.0 / arm.guard.brake_rate / period) + 20)):
            arm.move_for(period, arm.guard.damp(arm.position, arm.velocity, period))
        assert arm.most <= 1e-4 * begun + 1e-9


HOW = {
    "damping": lambda arm, period: arm.guard.damp(arm.position, arm.velocity, period),
    "fallback zero": lambda arm, period: arm.guard.release(period, arm.position),
    "no state any more": lambda arm, period: arm.guard.release(period),
    "a policy that asks for nothing": lambda arm, period: arm.guard.apply(
        0.0 * arm.position, arm.position, arm.velocity, period
    ),
    "a state that is none": lambda arm, period: arm.guard.damp(
        np.full(len(arm.position), math.nan), arm.velocity, period
    ),
}


@pytest.mark.parametrize("how", HOW)
@drawing
@given(**drawn, factor=strength)
def test_fault_90_an_arm_that_is_carried_sinks_by_less_than_a_centimetre_a_second(
    how, links, period, share, start, factor
):
    able, settings_ = strong(links, factor)
    inside = [0.8 * one for one in start]  # a soft limit would move the arm away from it
    with drawn_arm(able, period, [0.0], inside, Carried, **settings_) as arm:
        arm.guard.damp(arm.position, arm.velocity, period)  # a state, before there is none
        for _ in range(math.ceil(0.5 / period)):
            arm.move_for(period, HOW[how](arm, period))
            assert arm.tip_speed < SINKS


kinds = st.sampled_from(["apply", "apply", "apply", "whole", "damp", "release", "reset", "lower"])
asked = st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=7)  # of the limits
elapsed = st.one_of(st.floats(0.0, 0.2), st.sampled_from([math.nan, -1.0, math.inf]))


@drawing
@given(**drawn, factor=strength, calls=st.lists(st.tuples(kinds, asked, asked, asked, elapsed)))
def test_every_torque_of_an_arm_that_is_carried_is_finite_within_its_limits_and_rate(
    links, period, share, start, factor, calls
):
    able, settings_ = strong(links, factor)
    with drawn_arm(able, period, share, start, Carried, **settings_) as arm:
        guard, size = arm.guard, len(arm.position)
        guard.damp(arm.position, 0.0 * arm.velocity, period)
        for kind, ask, turn, speed, dt in calls:
            last, limits = guard.last, guard.limits
            if kind in ("reset", "lower"):
                guard.lower_torque_limit(0.97 * limits.torque) if kind == "lower" else None
                continue
            torque = np.resize(ask, size) * limits.torque
            position = arm.position + np.resize(turn, size)
            velocity = np.resize(speed, size) * limits.velocity
            if kind == "release":
                sent = guard.release(dt, position)
            elif kind == "damp":
                sent = guard.damp(position, velocity, dt)
            else:
                sent = guard.apply(torque, position, velocity, dt, 0.7, kind == "whole")
            assert np.isfinite(sent).all()
            assert (np.abs(sent) <= guard.limits.torque).all()
            span = max(0.0, dt) if kind == "release" else min(max(0.0, dt), 2.0 * period)
            most = limits.torque_rate_safe * (0.0 if math.isnan(dt) else span)
            within = np.abs(sent - np.clip(last, -limits.torque, limits.torque)) <= most + 1e-9
            assert within.all()


def pendulum(**changes):
    return build_guard(Config().with_parameters(VERTICAL | dotted(**changes)))[1]


LEVEL = np.array([math.pi / 2])  # the rod is level, where it weighs most: 5 N·m, beyond the motor
LEANING = np.array([0.2])  # 1 N·m
STILL = np.zeros(1)


def test_what_the_policy_asks_for_is_on_top_of_the_weight():
    guard = pendulum(robot__payload_mass=0.1)
    weight = guard.carrier.weight(LEANING)
    assert weight == pytest.approx(9.81 * (0.513 + 0.1 * 0.6) * math.sin(0.2), rel=1e-3)
    guard.reset()
    sent = guard.apply(np.array([0.3]), LEANING, STILL, 0.01)
    assert sent == pytest.approx(weight + 0.3)
    assert guard.carried == pytest.approx(weight)


def test_the_sum_of_weight_and_policy_is_within_the_torque_limit():
    guard = pendulum()
    guard.reset()
    for _ in range(20):
        sent = guard.apply(np.array([5.0]), LEANING, STILL, 0.01)
    assert sent[0] == guard.limits.torque[0]


def test_a_whole_torque_gets_no_weight_added_and_authority_is_its_share_of_the_difference():
    guard = pendulum()
    weight = guard.carrier.weight(LEANING)
    guard.reset()
    sent = guard.apply(weight + 0.2, LEANING, STILL, 0.01, 1.0, whole=True)
    assert sent == pytest.approx(weight + 0.2)
    guard.reset()
    sent = guard.apply(weight + 0.2, LEANING, STILL, 0.01, 0.5, whole=True)
    assert sent == pytest.approx(weight + 0.1)


def test_after_a_reset_the_first_torque_holds_the_arm_whatever_the_rate():
    guard = pendulum(robot__torque_rate=3.0)
    assert abs(guard.apply(STILL, LEVEL, STILL, 0.01)[0]) < 0.2  # from zero, by the rate
    guard.reset()
    assert guard.apply(STILL, LEVEL, STILL, 0.01) == pytest.approx(
        np.clip(guard.carrier.weight(LEVEL), -guard.limits.torque, guard.limits.torque)
    )


@pytest.mark.parametrize("gravity", ["driver", "none"])
def test_a_guard_that_carries_nothing_heads_for_zero(gravity):
    guard = pendulum(robot__gravity=gravity)
    guard.apply(np.array([0.5]), LEVEL, STILL, 0.01)
    for _ in range(20):
        assert guard.carried.tolist() == [0.0]
        sent = guard.damp(LEVEL, STILL, 0.01)
    assert sent.tolist() == [0.0]


def test_bounds_lie_around_the_weight_so_that_a_long_period_can_carry_it():
    # 7 joints of a Panda at 25 Hz: at rest a wrist may be driven with less than it weighs.
    pytest.importorskip("pybullet_data")
    common = dotted(
        robot__urdf="franka_panda/panda.urdf",
        robot__tip="panda_grasptarget",
        robot__payload_mass=3.0,
        robot__torque_limit=[80.0, 80.0, 60.0, 60.0, 12.0, 12.0, 12.0],
        safety__urdf_gains=False,
        safety__velocity_limit=[0.3] * 7,
    )
    stretched = np.array([0.0, 1.2, 0.0, -0.6, 0.0, 1.8, 0.0])
    still = np.zeros(7)
    for gravity, carried in (("model", True), ("none", True), ("driver", False)):
        config = Config().with_parameters(common | {"robot.gravity": gravity})
        _, guard = build_guard(config)
        weight = guard.carrier.weight(stretched)
        assert (np.abs(weight) > guard.drive_at_rest).any()
        ask = 0.0 * weight if gravity == "model" else weight
        for _ in range(50):
            sent = guard.apply(ask, stretched, still, 0.04)
        assert bool(np.abs(sent - weight).max() < 1e-9) is carried


def test_at_a_hard_limit_the_weight_is_carried_and_nothing_pushes_outwards():
    limited = replace(Robot.load("pendulum"), lower=np.array([-2.0]), upper=LEANING)
    guard = Guard.of(limited, Config().with_parameters(VERTICAL))
    at = LEANING
    guard.reset()
    weight = np.clip(guard.carrier.weight(at), -guard.limits.torque, guard.limits.torque)
    for ask in (2.0, 0.0, -0.5):
        for _ in range(20):
            sent = guard.apply(np.array([ask]), at, STILL, 0.01)
        assert sent <= weight + 1e-12


@drawing
@given(**drawn, factor=decades(0.05, 1.0))
def test_a_joint_too_weak_for_its_weight_gives_all_it_has_and_no_more(
    links, period, share, start, factor
):
    able, settings_ = strong(links, factor)
    with drawn_arm(able, period, [0.0], start, Carried, **settings_) as arm:
        limit = arm.guard.limits.torque
        weight = arm.mass.weight(arm.position)
        arm.guard.reset()
        sent = arm.guard.damp(arm.position, arm.velocity, period)
        weak = np.abs(weight) > limit
        assert (np.abs(sent) <= limit).all()
        assert sent[weak] == pytest.approx(np.sign(weight[weak]) * limit[weak])
