"""Gains that hold together: defaults, what of given ones is refused, and the way out."""

import math
import re
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.build import build_arm, build_guard
from ddpg_ros.config.settings import Config, from_parameters, to_parameters
from ddpg_ros.errors import ConfigError, RobotError
from ddpg_ros.safety.gains import DEFAULT_SHARE, LARGEST_SHARE
from test.dotted import dotted

# One joint about the vertical axis: I = 0.009 + 0.5 · 0.2² = 0.029 kg·m².
ARM = """
<robot name="arm">
  <link name="base"/>
  <joint name="swing" type="revolute"><parent link="base"/><child link="boom"/><axis xyz="0 0 1"/>
    <limit effort="{effort}" velocity="{velocity}" lower="-2" upper="2"/>{safety}</joint>
  <link name="boom">{inertial}</link>
</robot>"""
INERTIAL = (
    '<inertial><origin xyz="0.2 0 0"/><mass value="0.5"/>'
    '<inertia ixx="0.009" iyy="0.009" izz="0.009" ixy="0" ixz="0" iyz="0"/></inertial>'
)
I = 0.029  # noqa: E741 (its sign)


def build(folder, effort=5.0, velocity=4.0, safety="", inertial=INERTIAL, period=0.04, **settings):
    file = folder / "arm.urdf"
    file.write_text(ARM.format(effort=effort, velocity=velocity, safety=safety, inertial=inertial))
    given = {"control__period": period, "sim__physics_timestep": period} | settings
    return build_guard(Config().with_parameters(dotted(robot__urdf=str(file), **given)))[1]


@pytest.fixture
def guard(tmp_path):
    """Return a function that builds the guard of the arm."""
    return partial(build, tmp_path)


def refusal(call, **settings):
    with pytest.raises(ConfigError) as caught:
        call(**settings)
    return str(caught.value)


def start_as_advised(guard, sentence, **settings):
    """Start with the settings that a refusal names at its end."""
    advised = re.search(r"Together these hold: (.*)\.$", sentence).group(1)
    tree = yaml.safe_load("{" + re.sub(r" \([^)]*\)", "", advised) + "}")
    return guard(**(settings | {name.replace(".", "__"): value for name, value in tree.items()}))


def test_a_stop_takes_a_quarter_of_the_speed_off_in_each_period(guard):
    rest = guard().damp(np.zeros(1), np.array([0.4]), 0.04)
    assert rest.tolist() == pytest.approx([-0.25 * I * 0.4 / 0.04])


def test_at_a_short_period_the_torque_rate_says_how_fast_a_stop_may_be(guard):
    # β = 1000 N·m/s over 5 N·m, below 0.25 / 0.001 s
    rest = guard(period=0.001).damp(np.zeros(1), np.array([0.01]), 0.001)
    assert rest.tolist() == pytest.approx([-200.0 * I * 0.01])


def test_a_joint_faster_than_its_limit_is_braked_at_the_same_rate_and_never_driven(guard):
    held = guard(velocity=1.0)
    for asked in (5.0, -0.01):
        sent = held.apply(np.array([asked]), np.zeros(1), np.array([1.2]), 0.04)
        assert sent.tolist() == pytest.approx([-6.25 * I * 0.2])
    sent = held.apply(np.array([-0.3]), np.zeros(1), np.array([1.2]), 0.04)
    assert sent.tolist() == [-0.3]  # it may be braked more, all of the way to −1 rad/s
    sent = held.apply(np.array([-1.0]), np.zeros(1), np.array([1.2]), 0.04)
    assert sent.tolist() == [-1.0]


def test_the_damping_that_a_file_states_lets_a_joint_be_driven_harder(guard):
    stated = guard(velocity=1.0, safety='<dynamics damping="0.5"/>')
    sent = stated.apply(np.array([5.0]), np.zeros(1), np.array([0.9]), 0.04)
    assert sent.tolist() == pytest.approx([(I + 0.04 * 0.5) * 0.1 / 0.04])
    rest = stated.damp(np.zeros(1), np.array([0.4]), 0.04)
    assert rest.tolist() == pytest.approx([-0.25 * I * 0.4 / 0.04])  # a brake does not rely on it


def test_a_joint_slower_than_allowed_gains_the_difference_in_a_period_and_a_quarter_at_a_limit(
    guard,
):
    sent = guard(velocity=1.0).apply(np.array([5.0]), np.zeros(1), np.array([0.9]), 0.04)
    assert sent.tolist() == pytest.approx([I * 0.1 / 0.04])
    # 0.2 rad before the soft limit 0.5 rad/s are allowed, half of the limit: 0.25 + 0.75 · 0.5⁴
    near = guard(velocity=1.0).apply(np.array([5.0]), np.array([1.75]), np.array([0.4]), 0.04)
    assert near.tolist() == pytest.approx([(0.25 + 0.75 / 16) * I * 0.1 / 0.04])


def test_without_inertia_nothing_brakes_and_torque_is_only_taken_away(guard):
    blind = guard(inertial="", velocity=1.0)
    assert blind.brake_rate == 0.0 and math.isinf(blind.stop_seconds)
    assert blind.damp(np.zeros(1), np.array([0.9]), 0.04).tolist() == [0.0]
    assert blind.apply(np.array([5.0]), np.zeros(1), np.array([1.2]), 0.04).tolist() == [0.0]
    sent = blind.apply(np.array([5.0]), np.zeros(1), np.array([0.9]), 0.04)
    assert sent.tolist() == pytest.approx([2 * 5.0 / 1.0 * 0.1])


@pytest.mark.parametrize("name", ["damping", "k_velocity"])
def test_fault_53_a_gain_that_would_drive_the_arm_is_refused_with_the_largest_that_holds(
    guard, name
):
    largest = 0.25 * I / 0.04  # 0.18125 N·m·s/rad
    sentence = refusal(guard, **{f"safety__{name}": [0.5]})
    assert f"safety.{name}: {name} of swing 0.5 N·m·s/rad do not hold" in sentence
    assert f"take {0.04 * 0.5 / I:.3g} of the arm's velocity off" in sentence
    assert sentence.endswith(f"Together these hold: safety.{name}: [0.181].")
    start_as_advised(guard, sentence)
    guard(**{f"safety__{name}": [0.999 * largest]})
    assert f"{name} of swing" in refusal(guard, **{f"safety__{name}": [1.001 * largest]})


def test_fault_53_gains_of_a_file_made_for_another_period_are_set_aside_in_one_step(guard):
    file = '<safety_controller k_position="100" k_velocity="40"/>'
    sentence = refusal(guard, safety=file)
    assert "the URDF's safety_controller: k_position of swing 100 1/s do not hold" in sentence
    assert "the URDF's safety_controller: k_velocity of swing 40 N·m·s/rad do not" in sentence
    assert sentence.endswith(
        "Together these hold: safety.urdf_gains: false (the gains are then computed)."
    )
    start_as_advised(guard, sentence, safety=file)
    guard(safety='<safety_controller k_position="100" k_velocity="2"/>', period=0.001)


def test_an_effort_that_is_no_motors_is_refused_with_the_setting_that_lowers_it(guard):
    sentence = refusal(guard, effort=1000.0)
    assert sentence.startswith(
        "robot.torque_limit: swing 1000 N·m (the URDF's effort) cannot be reversed within "
        "0.5 s at safety.torque_rate_safe 1000 N·m/s"
    )
    assert sentence.endswith("Together these hold: robot.torque_limit: [250].")
    start_as_advised(guard, sentence, effort=1000.0)


# Two links that hang out to the side, 1.5 m and 100 kg each, about horizontal axes.
HEAVY = """
<robot name="crane">
  <link name="base"/>
  <joint name="lift" type="revolute"><parent link="base"/><child link="boom"/><axis xyz="0 1 0"/>
    <limit effort="{effort}" velocity="2" lower="-2" upper="2"/>
    <dynamics friction="{friction}"/></joint>
  <link name="boom">{inertial}</link>
  <joint name="fold" type="revolute"><parent link="boom"/><child link="fore"/>
    <origin xyz="{length} 0 0"/><axis xyz="0 1 0"/>
    <limit effort="{effort}" velocity="2" lower="-2" upper="2"/></joint>
  <link name="fore">{inertial}</link>
  <joint name="end" type="fixed"><parent link="fore"/><child link="tip"/>
    <origin xyz="{length} 0 0"/></joint>
  <link name="tip"/>
</robot>"""


def build_crane(folder, length=1.5, mass=100.0, effort=6000.0, friction=0.0, **settings):
    """Build the arm of two links with all that is looked at before it starts."""
    moment = mass * length**2 / 12.0
    inertial = (
        f'<inertial><origin xyz="{length / 2} 0 0"/><mass value="{mass}"/><inertia ixx="{moment}" '
        f'iyy="{moment}" izz="{moment}" ixy="0" ixz="0" iyz="0"/></inertial>'
    )
    file = folder / "crane.urdf"
    file.write_text(
        HEAVY.format(effort=effort, friction=friction, length=length, inertial=inertial)
    )
    return build_arm(Config().with_parameters(dotted(robot__urdf=str(file), **settings)))


def test_an_arm_whose_weight_needs_more_is_told_to_raise_the_rate(tmp_path):
    # 100 · 9.81 · (0.75 + 2.25) = 2943 N·m and 100 · 9.81 · 0.75 = 735.75 N·m, and half as much
    # again: 4414.5 N·m, which 4 · 4414.5 N·m/s reverse within 0.5 s; 0.5 % less, as it is sampled
    crane = partial(build_crane, tmp_path, robot__gravity="model")
    sentence = refusal(crane)
    needs = re.search("alone need up to lift (.*) N·m, fold (.*) N·m, so that", sentence)
    assert list(map(float, needs.groups())) == pytest.approx([2943.0, 735.75], rel=0.01)
    assert "raise robot.torque_rate" in sentence
    advised = re.search(
        r"Together these hold: robot.torque_rate: (.*), robot.torque_limit: \[(.*), (.*)\].$",
        sentence,
    )
    assert list(map(float, advised.groups())) == pytest.approx([4414.5, 4414.5, 1103.6], rel=0.01)
    start_as_advised(crane, sentence)
    faster = {"robot__torque_rate": 100.0, "safety__torque_rate_safe": 500.0}
    sentence = refusal(crane, **faster)
    advised = re.search("Together these hold: safety.torque_rate_safe: (.*), robot", sentence)
    assert float(advised.group(1)) == pytest.approx(4 * 4414.5, rel=0.01)
    start_as_advised(crane, sentence, **faster)
    light = refusal(partial(build_crane, tmp_path, robot__gravity="driver"))
    assert light.endswith("Together these hold: robot.torque_limit: [250, 250].")


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(
    length=st.floats(0.05, 3.0),
    mass=st.floats(0.01, 500.0),
    effort=st.floats(0.5, 50_000.0),
    friction=st.sampled_from([0.0, 0.4, 300.0]),
    gravity=st.sampled_from(["driver", "model", "none"]),
    rate=st.sampled_from([10.0, 250.0, 3000.0]),
    safe=st.booleans(),
)
def test_an_arm_of_any_weight_starts_as_advised(
    length, mass, effort, friction, gravity, rate, safe
):
    how = {"length": length, "mass": mass, "effort": effort, "friction": friction}
    how |= {"robot__gravity": gravity, "robot__torque_rate": rate}
    how |= {"safety__torque_rate_safe": 5.0 * rate} if safe else {}
    with TemporaryDirectory() as folder:
        crane = partial(build_crane, Path(folder))
        try:
            crane(**how)
        except ConfigError as error:
            too_weak = "to carry its own weight" in str(error) or "no torque moves" in str(error)
            if not too_weak:  # with all of the file's effort
                start_or_be_too_weak(crane, str(error), **how)


def start_or_be_too_weak(crane, sentence, effort, **how):
    """Start as advised; what then is too weak has needed more than the file's effort before."""
    try:
        start_as_advised(crane, sentence, effort=effort, **how)
    except ConfigError as error:
        assert re.search("to carry its own weight|no torque moves", str(error)), error
        limits = [float(number) for number in re.findall(r"its limit is ([\d.e+]+)", str(error))]
        assert limits == pytest.approx([effort] * len(limits), rel=0.01)


def test_everything_that_does_not_hold_is_said_at_once_and_what_is_advised_holds_together(guard):
    file = '<safety_controller k_position="50" k_velocity="40"/>'
    bad = {"effort": 700.0, "safety": file, "safety__damping": [3.0]}
    sentence = refusal(guard, **bad)
    assert "torque_limit: [250], safety.urdf_gains: false" in sentence
    start_as_advised(guard, sentence, **bad)


def test_the_default_gains_of_our_configurations_start_at_many_periods(guard):
    for period in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5):
        for effort in (0.01, 1.0, 100.0, 249.0):
            guard(effort=effort, period=period)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    effort=st.floats(0.1, 2000.0),
    velocity=st.floats(0.2, 20.0),
    period=st.sampled_from([0.001, 0.004, 0.01, 0.04, 0.1]),
    rate=st.floats(5.0, 3000.0),
    file=st.tuples(st.floats(0.0, 200.0), st.floats(0.0, 1000.0)),
    damping=st.one_of(st.none(), st.floats(0.001, 50.0)),
    k_position=st.one_of(st.none(), st.floats(0.1, 100.0)),
    k_velocity=st.one_of(st.none(), st.floats(0.001, 700.0)),
)
def test_whatever_is_given_what_a_refusal_names_starts(
    effort, velocity, period, rate, file, damping, k_position, k_velocity
):
    listed = {"damping": damping, "k_position": k_position, "k_velocity": k_velocity}
    how = {f"safety__{name}": [gain] for name, gain in listed.items() if gain is not None}
    how |= {"effort": effort, "velocity": velocity, "period": period, "robot__torque_rate": rate}
    how["safety"] = f'<safety_controller k_position="{file[0]}" k_velocity="{file[1]}"/>'
    with TemporaryDirectory() as folder:

        def make(**changes):
            return build(Path(folder), **changes)

        try:
            make(**how)
        except ConfigError as error:
            start_as_advised(make, str(error), **how)


def test_a_stop_of_given_damping_is_no_faster_than_the_torque_may_move(guard):
    # 0.16 · 0.01 s · 40 N·m/s over 10 N·m: the torque falls at K / I times itself
    slow = {"effort": 10.0, "period": 0.01, "robot__torque_rate": 10.0}
    sentence = refusal(guard, safety__damping=[0.7], safety__k_position=[2.0], **slow)
    assert "(expected at most 0.04; from 1 on" in sentence
    start_as_advised(guard, sentence, safety__k_position=[2.0], **slow)


@pytest.mark.filterwarnings("error")
def test_a_gain_or_speed_next_to_nothing_bounds_no_torque(guard):
    barely = '<safety_controller k_position="1e-310" k_velocity="1e-310"/>'
    assert guard(safety=barely).limits.k_position.tolist() == [1e-310]
    assert guard(velocity=1e-310).limits.k_position.tolist() == [2.5]  # 0.1 / 0.04 s


def test_a_file_with_a_gain_below_zero_is_refused(guard):
    with pytest.raises(RobotError, match=r'k_position="-1.*expected a finite number, at least 0'):
        guard(safety='<safety_controller k_position="-1" k_velocity="0"/>')


def test_what_may_drive_a_joint_at_rest_is_known(guard):
    assert guard(velocity=1.0).drive_at_rest == pytest.approx([I * 1.0 / 0.04])
    assert guard(velocity=1.0, period=0.001).drive_at_rest == [5.0]
    assert guard(velocity=1.0, inertial="").drive_at_rest == [5.0]
    assert guard(safety__k_velocity=[0.1]).drive_at_rest == pytest.approx([0.1 * 4.0])


def test_what_a_stop_costs_in_time_is_known(guard):
    # 3 / 6.25 s, and I v / τ from full speed
    assert guard().stop_seconds == pytest.approx(3.0 / 6.25 + I * 4.0 / 5.0)


@pytest.mark.parametrize(("near", "overshoot"), [(DEFAULT_SHARE, 0.01), (LARGEST_SHARE, 0.42)])
def test_a_joint_overshoots_its_soft_limit_by_as_little_as_the_gains_module_says(near, overshoot):
    furthest, _ = approach(near, 200)
    assert furthest <= overshoot


def test_a_nearer_soft_limit_than_that_never_comes_to_rest():
    assert approach(0.55, 4000)[1] < 1e-3
    assert approach(0.60, 4000)[1] > 1.0


def approach(near, periods):
    """Follow v[k+1] = v[k] − a (v[k−1] + p q[k−1]) for a = 0.25, T = 1, from v = −p q = 1.

    Returns:
        how far q comes beyond 0, as a share of where it began, and |q| at the end.
    """
    position, speed = -1.0 / near, 1.0
    before, furthest = (position, speed), -math.inf
    for _ in range(periods):
        after = speed - 0.25 * (before[1] + near * before[0])
        before = position, speed
        position += 0.5 * (speed + after)
        speed = after
        furthest = max(furthest, position * near)
    return furthest, abs(position)


def test_the_setting_that_sets_a_files_gains_aside_is_a_parameter_like_all_others():
    assert to_parameters(Config())["safety.urdf_gains"] is True
    assert from_parameters({"safety.urdf_gains": False}).safety.urdf_gains is False
