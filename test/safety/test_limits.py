"""Limits: where each number comes from, and which are refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ddpg_ros.config.sections import SafetySection
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.units import SLIDES, TURNS
from ddpg_ros.safety.guard_faults import beyond
from ddpg_ros.safety.joint_limits import check_joint
from ddpg_ros.safety.limits import Limits
from ddpg_ros.safety.limits import make_limits as limits_of
from test.dotted import dotted
from test.limits import make_limits

JOINT = (
    '<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{name}_link"/>'
    '<limit effort="{effort}" velocity="{velocity}" {range}/>{more}</joint>'
)


@pytest.fixture
def arm(tmp_path):
    """Return a function that makes an arm of a revolute and a continuous joint."""

    def make(shoulder="", wrist=""):
        file = tmp_path / "arm.urdf"
        first = JOINT.format(
            name="shoulder",
            kind="revolute",
            parent="base",
            effort=6,
            velocity=3,
            range='lower="-1" upper="2"',
            more=shoulder,
        )
        second = JOINT.format(
            name="wrist",
            kind="continuous",
            parent="shoulder_link",
            effort=1,
            velocity=8,
            range="",
            more=wrist,
        )
        file.write_text(f'<robot name="arm">{first}{second}</robot>')
        return Robot.load(str(file))

    return make


def refusal(call, *arguments, **settings):
    with pytest.raises(ConfigError) as caught:
        call(*arguments, **settings)
    return str(caught.value)


def with_settings(robot, **settings):
    return limits_of(robot, Config().with_parameters(dotted(**settings)), None)


# Where a number comes from.


def test_without_settings_the_limits_are_the_urdfs_and_the_rest_has_its_defaults(arm):
    limits = limits_of(arm(), Config(), None)
    assert limits.joints == ("shoulder", "wrist")
    assert limits.torque.tolist() == [6, 1]
    assert limits.velocity.tolist() == [3, 8]
    assert limits.lower.tolist() == [-1, -math.inf]
    assert limits.upper.tolist() == [2, math.inf]
    assert limits.soft_lower.tolist() == [-0.95, -math.inf]
    assert limits.soft_upper.tolist() == [1.95, math.inf]
    assert limits.k_position.tolist() == [2.5, 2.5]  # 0.1 / period
    assert np.isnan(limits.k_velocity).all()  # as the arm's inertia allows
    assert limits.power.tolist() == [math.inf, math.inf]
    assert np.isnan(limits.damping).all()
    assert (limits.torque_rate, limits.torque_rate_safe) == (250, 1000)
    assert limits.position_tolerance == 0.1


def test_the_urdfs_safety_controller_goes_before_the_defaults(arm):
    tag = '<safety_controller soft_lower_limit="-0.5" soft_upper_limit="1.5" {gains}/>'
    both = tag.format(gains='k_position="6" k_velocity="0.5"')
    limits = limits_of(arm(both, wrist=both), Config(), None)
    assert limits.soft_lower.tolist() == [-0.5, -math.inf]  # a continuous joint has no range
    assert limits.soft_upper.tolist() == [1.5, math.inf]
    assert limits.k_position.tolist() == [6, 6]
    assert limits.k_velocity.tolist() == [0.5, 0.5]
    assert np.isnan(limits.damping).all()
    own = limits_of(
        arm(both, wrist=both), Config().with_parameters({"safety.urdf_gains": False}), None
    )
    assert own.k_position.tolist() == [2.5, 2.5]
    assert np.isnan(own.k_velocity).all()
    assert own.soft_upper.tolist() == [1.5, math.inf]


def test_what_a_safety_controller_leaves_out_has_its_default(arm):
    limits = limits_of(arm('<safety_controller soft_upper_limit="1"/>'), Config(), None)
    assert limits.soft_lower.tolist() == [-0.95, -math.inf]
    assert limits.soft_upper.tolist() == [1, math.inf]
    assert limits.k_position.tolist() == [2.5, 2.5]
    assert np.isnan(limits.k_velocity).all()


def test_the_settings_go_before_the_urdf(arm):
    tag = '<safety_controller k_position="7" k_velocity="0.5"/>'
    limits = with_settings(
        arm(tag, wrist=tag),
        robot__torque_limit=[4.0, 0.5],
        robot__torque_rate=50.0,
        safety__torque_rate_safe=300.0,
        safety__velocity_limit=[2.0, 4.0],
        safety__soft_margin=0.25,
        safety__k_position=[3.0, 4.0],
        safety__k_velocity=[1.0, 2.0],
        safety__power_limit=[20.0, 30.0],
        safety__position_tolerance=0.5,
        safety__damping=[0.3, 0.2],
    )
    assert limits.torque.tolist() == [4, 0.5]
    assert limits.velocity.tolist() == [2, 4]
    assert limits.soft_lower.tolist() == [-0.75, -math.inf]
    assert limits.soft_upper.tolist() == [1.75, math.inf]
    assert limits.k_position.tolist() == [3, 4]
    assert limits.k_velocity.tolist() == [1, 2]
    assert limits.power.tolist() == [20, 30]
    assert limits.damping.tolist() == [0.3, 0.2]
    assert (limits.torque_rate, limits.torque_rate_safe) == (50, 300)
    assert limits.position_tolerance == 0.5


@pytest.mark.parametrize(
    ("period", "torque", "gain"),
    [
        (0.01, 1.0, 5.0),
        (0.02, 1.0, 5.0),
        (0.05, 1.0, 2.0),  # 0.1 / period
        (0.5, 1.0, 0.2),
        (0.01, 125.0, 4.0),  # 1000 / (2 · torque): the torque turns round in 1 / k_position
        (0.01, 250.0, 2.0),
    ],
)
def test_the_default_position_gain_suits_the_period_and_the_torque_rate(arm, period, torque, gain):
    robot = replace(arm(), effort_limit=np.array([torque, 1.0]))
    limits = with_settings(robot, control__period=period, sim__physics_timestep=period)
    assert limits.k_position[0] == pytest.approx(gain)


def test_a_soft_margin_of_zero_puts_the_soft_limits_on_the_hard_ones(arm):
    limits = with_settings(arm(), safety__soft_margin=0.0)
    assert limits.soft_lower.tolist() == [-1, -math.inf]
    assert limits.soft_upper.tolist() == [2, math.inf]


@pytest.mark.parametrize("name", ["reach", "swing_up"])
def test_our_arms_and_configurations_are_accepted(name):
    arm = {"reach": "reacher2", "swing_up": "pendulum"}[name]
    for period in (0.05, 0.04, 0.01):
        config = Config().with_parameters({"control.period": period})
        assert limits_of(Robot.load(arm), config, MassMatrix(Robot.load(arm))).joints


# What is refused.


@pytest.mark.parametrize("name", ["velocity_limit", "k_position", "k_velocity", "power_limit"])
@pytest.mark.parametrize("given", [[1.0], [1.0, 1.0, 1.0]])
def test_a_list_that_is_not_one_number_a_joint_is_refused(arm, name, given):
    message = refusal(with_settings, arm(), **{f"safety__{name}": given})
    assert message == (
        f"safety.{name} is {given}; expected one number for each joint (shoulder, wrist), or none "
        "at all."
    )


def test_damping_that_is_not_one_number_a_joint_is_refused(arm):
    assert "safety.damping is [1.0]; expected" in refusal(
        with_settings, arm(), safety__damping=[1.0]
    )


def test_limits_above_the_urdfs_are_refused(arm):
    assert refusal(with_settings, arm(), safety__velocity_limit=[1.0, 8.5]) == (
        "safety.velocity_limit is [1.0, 8.5]; expected at most the URDF's: shoulder 3, wrist 8."
    )
    message = refusal(with_settings, arm(), robot__torque_limit=[1.0, 1.5])
    assert message.startswith("robot.torque_limit is [1.0, 1.5]; expected one number for each")
    at_most = with_settings(
        arm(), safety__velocity_limit=[3.0, 8.0], robot__torque_limit=[6.0, 1.0]
    )
    assert (at_most.velocity.tolist(), at_most.torque.tolist()) == ([3, 8], [6, 1])


def test_a_settings_nan_is_refused_too(arm):
    config = Config().model_copy(
        update={"safety": SafetySection.model_construct(velocity_limit=[math.nan, 1.0])}
    )
    assert refusal(limits_of, arm(), config, None) == (
        "the velocity limit of joint shoulder is nan rad/s; expected a finite number above 0 "
        "rad/s."
    )


@pytest.mark.parametrize(
    ("name", "words", "unit"),
    [
        ("torque", "the torque limit of joint elbow", "N·m"),
        ("velocity", "the velocity limit of joint elbow", "rad/s"),
        ("k_position", "k_position of joint elbow", "1/s"),
        ("k_velocity", "k_velocity of joint elbow", "N·m·s/rad"),
        ("damping", "the damping of joint elbow", "N·m·s/rad"),
    ],
)
@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_number_out_of_its_range_is_refused_with_its_joint(name, words, unit, bad):
    if math.isnan(bad) and name in ("k_velocity", "damping"):
        assert math.isnan(make_limits(**{name: (1.0, bad)}).by_joint()[1]._asdict()[name])
        return  # it follows from the arm's inertia
    assert refusal(make_limits, **{name: (1.0, bad)}) == (
        f"{words} is {bad:g} {unit}; expected a finite number above 0 {unit}."
    )


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_a_power_limit_is_above_zero_or_infinite(bad):
    assert refusal(make_limits, power=(math.inf, bad)) == (
        f"the power limit of joint elbow is {bad:g} W; expected a number above 0 W, or inf for "
        "none."
    )


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_out_of_its_range_is_refused(bad):
    tail = "expected a finite number above 0 N·m/s."
    message = refusal(make_limits, torque_rate=bad, torque_rate_safe=1.0)
    assert message == f"robot.torque_rate is {bad:g} N·m/s; {tail}"
    message = refusal(make_limits, torque_rate=1.0, torque_rate_safe=bad)
    assert message == f"safety.torque_rate_safe is {bad:g} N·m/s; {tail}"


def test_a_safe_rate_below_four_times_the_rate_is_refused():
    assert refusal(make_limits, torque_rate=100.0, torque_rate_safe=399.0) == (
        "safety.torque_rate_safe is 399 N·m/s; expected at least 4 · robot.torque_rate = 400 "
        "N·m/s, or 0 for that."
    )
    assert make_limits(torque_rate=100.0, torque_rate_safe=400.0).torque_rate_safe == 400.0


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_a_tolerance_out_of_its_range_is_refused(bad):
    assert refusal(make_limits, position_tolerance=bad) == (
        f"safety.position_tolerance is {bad:g} rad; expected a finite number, at least 0 rad."
    )
    assert make_limits(position_tolerance=0.0).position_tolerance == 0.0


@pytest.mark.parametrize(
    "bad",
    [
        {"soft_lower": 0.5, "soft_upper": 0.5},
        {"soft_lower": 0.5, "soft_upper": 0.25},
        {"soft_lower": -1.5},
        {"soft_upper": 2.5},
        {"soft_lower": -math.inf},
        {"soft_lower": math.nan},
        {"soft_upper": math.nan},
        {"lower": math.nan},
        {"upper": math.nan},
    ],
)
def test_soft_limits_that_cross_or_stand_outside_the_hard_ones_are_refused(bad):
    ends = {"lower": -1.0, "upper": 2.0, "soft_lower": -0.5, "soft_upper": 1.5}
    mixed = {name: (end, bad.get(name, end)) for name, end in ends.items()}
    got = ends | bad
    assert refusal(make_limits, **mixed) == (
        f"joint elbow has soft limits {got['soft_lower']:g} to {got['soft_upper']:g} rad and hard "
        f"limits {got['lower']:g} to {got['upper']:g} rad; expected lower ≤ soft lower < soft "
        "upper ≤ upper. Set another safety.soft_margin, or fix the URDF's safety_controller."
    )
    on_the_hard_ones = make_limits(lower=-1.0, upper=2.0, soft_lower=-1.0, soft_upper=2.0)
    assert on_the_hard_ones.soft_upper.tolist() == [2, 2]


def test_a_margin_that_leaves_no_room_is_refused(arm):
    message = refusal(with_settings, arm(), safety__soft_margin=1.5)
    assert message.startswith("joint shoulder has soft limits 0.5 to 0.5 rad and hard limits -1")


def test_a_rate_that_turns_the_torque_too_slowly_is_refused():
    bad = {"torque": (5.0, 50.0), "k_position": (1.0, 8.0), "velocity": 1.0}
    assert refusal(make_limits, **bad) == (
        "joint elbow: the rate limit would defeat the soft limit, as reversing the torque "
        "takes 2 · torque / torque_rate_safe = 2 · 50 / 400 = 0.25 s; expected at most 1 / "
        "k_position = 0.125 s. Raise safety.torque_rate_safe, or lower safety.k_position."
    )
    assert make_limits(**(bad | {"torque": (5.0, 25.0)})).torque.tolist() == [5, 25]


def test_a_soft_limit_that_is_overshot_is_refused():
    limits = make_limits(k_position=(2.0, 25.0))
    assert refusal(limits.check_period, 0.02) == (
        "joint elbow would overshoot its soft limit: k_position · period = 25 · 0.02 = 0.5; "
        "expected at most 0.25. Lower safety.k_position or control.period."
    )
    limits.check_period(0.01)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_period_is_a_finite_number_above_zero(bad):
    assert refusal(make_limits().check_period, bad) == (
        f"control.period is {bad:g} s; expected a finite number above 0 s."
    )


@pytest.mark.parametrize("bad", [(1.0,), (1.0, 1.0, 1.0), ((1.0, 1.0),)])
def test_a_vector_of_another_length_is_refused(bad):
    message = refusal(make_limits, damping=bad)
    assert message.startswith("damping is [")
    assert message.endswith("; expected one number for each joint: shoulder, elbow.")


def test_an_arm_without_joints_is_refused():
    empty = dict.fromkeys(make_limits().__dict__, ()) | {
        "torque_rate": 1.0,
        "torque_rate_safe": 4.0,
        "position_tolerance": 0.1,
    }
    message = refusal(Limits, **empty)
    assert message == "torque is []; expected one number for each joint: at least one."


# Copies, and lowering.


def test_limits_are_copies_that_nobody_can_write_to():
    torque = np.array([5.0, 2.0])
    limits = make_limits(torque=tuple(torque))
    with pytest.raises(ValueError, match="read-only"):
        limits.torque[0] = 9.0
    lowered = limits.lowered(torque)
    torque[:] = 9.0
    assert lowered.torque.tolist() == [5, 2]


def test_limits_are_float64_whatever_they_were_made_from():
    limits = make_limits(torque=(5, 2), soft_upper=(3, 4))
    assert limits.torque.dtype == limits.soft_upper.dtype == np.float64
    message = refusal(limits.lowered, np.array([6, 1]))
    assert message.startswith("robot.torque_limit was to become [6.0, 1.0]; expected")


def test_lowering_changes_the_torque_alone_and_gives_a_new_one():
    limits = make_limits(power=7.0)
    lowered = limits.lowered(np.array([5.0, 1.0]))
    assert limits.torque.tolist() == [5, 2]
    assert lowered.torque.tolist() == [5, 1]
    assert [j._replace(torque=0.0) for j in lowered.by_joint()] == [
        j._replace(torque=0.0) for j in limits.by_joint()
    ]


@pytest.mark.parametrize(
    "wrong",
    [[5.5, 1.0], [1.0, 2.5], [1.0, 0.0], [-1.0, 1.0], [1.0, math.nan], [1.0], [[1.0, 1.0]]],
)
def test_a_limit_that_would_rise_or_is_none_is_refused(wrong):
    assert refusal(make_limits().lowered, np.array(wrong)) == (
        f"robot.torque_limit was to become {wrong}; expected one number for each joint, above 0 "
        "and at most the limit in force [N·m]: shoulder 5, elbow 2. To raise a limit, restart the "
        "node."
    )


def test_a_joints_numbers_are_in_their_places():
    limits = make_limits(
        torque=(5.0, 1.0),
        velocity=(6.0, 2.0),
        lower=(-7.0, -3.0),
        upper=(7.0, 3.5),
        soft_lower=(-6.0, -2.5),
        soft_upper=(6.0, 2.75),
        k_position=(1.0, 4.0),
        k_velocity=(1.0, 0.5),
        power=(9.0, 8.0),
        damping=(1.0, 0.75),
        position_tolerance=0.25,
    )
    assert limits.by_joint()[1]._asdict() == {
        "name": "elbow",
        "torque": 1.0,
        "velocity": 2.0,
        "lower": -3.0,
        "upper": 3.5,
        "soft_lower": -2.5,
        "soft_upper": 2.75,
        "k_position": 4.0,
        "k_velocity": 0.5,
        "power": 8.0,
        "damping": 0.75,
        "least": -3.25,
        "greatest": 3.75,
        "units": TURNS,
    }
    assert limits.by_joint()[0].name == "shoulder"


def test_a_joint_that_slides_has_its_own_margin_tolerance_and_units(tmp_path):
    slide = (
        '<robot name="lift"><link name="base"/><link name="tip"><inertial><mass value="2"/>'
        '<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>'
        '<joint name="lift" type="prismatic"><parent link="base"/><child link="tip"/>'
        '<axis xyz="0 0 1"/><limit effort="50" velocity="1" lower="0" upper="0.4"/></joint>'
        "</robot>"
    )
    file = tmp_path / "lift.urdf"
    file.write_text(slide)
    robot = Robot.load(str(file))
    (joint,) = limits_of(robot, Config(), MassMatrix(robot)).by_joint()
    assert joint.units is SLIDES
    assert (joint.soft_lower, joint.soft_upper) == pytest.approx((0.005, 0.395))
    assert (joint.least, joint.greatest) == pytest.approx((-0.01, 0.41))
    assert beyond(joint, 0.42) == (
        "joint lift is at 0.42 m, 0.02 m beyond its upper limit of 0.4 m; tolerated are 0.01 m. "
        "Move it back between its limits."
    )
    with pytest.raises(ConfigError, match="velocity limit of joint lift is 0 m/s"):
        check_joint(joint._replace(velocity=0.0), 1000.0)
    with pytest.raises(ConfigError, match=r"0\.3 to 0\.2 m and hard .* safety\.sliding_margin"):
        check_joint(joint._replace(soft_lower=0.3, soft_upper=0.2), 1000.0)
