"""Each stage of the guard, one joint, every expectation by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.safety.joint_limits import JointLimits
from ddpg_ros.safety.stages import (
    Bounds,
    braking_range,
    clamp,
    drive_bounds,
    soft_bounds,
    toward,
    within_power,
    within_rate,
)

JOINT = JointLimits(
    name="elbow",
    torque=5.0,
    velocity=2.0,
    lower=-1.0,
    upper=1.0,
    soft_lower=-0.75,
    soft_upper=0.75,
    k_position=4.0,
    k_velocity=8.0,
    power=math.inf,
    damping=1.0,
    least=-1.1,
    greatest=1.1,
)
FREE = Bounds(-100.0, 100.0)
GAIN = 8.0  # [N·m·s/rad]


@pytest.mark.parametrize(
    ("value", "clamped"), [(-3.0, -2.0), (-2.0, -2.0), (0.5, 0.5), (1.0, 1.0), (7.0, 1.0)]
)
def test_a_clamp_moves_what_is_outside_to_the_nearer_end(value, clamped):
    assert clamp(value, -2.0, 1.0) == clamped


@pytest.mark.parametrize(
    ("position", "velocity", "low", "high"),
    [
        (0.0, 0.0, -5.0, 5.0),  # far from everything: v_hi = 2, 8 · 2 = 16
        (0.5, 0.75, -5.0, 2.0),  # v_hi = 4 · 0.25 = 1, 8 · (1 − 0.75)
        (0.5, 1.0, -5.0, 0.0),  # just as fast as it may
        (0.5, 1.25, -5.0, -2.0),  # faster: it is braked
        (0.5, 9.0, -5.0, -5.0),  # no more than the motor can
        (0.75, 0.0, -5.0, 0.0),  # on the soft limit: no further
        (0.875, 0.0, -5.0, -4.0),  # beyond it: v_hi = −0.5, pushed back
        (0.875, -0.5, -5.0, 0.0),  # on its way back
        (0.875, -0.75, -5.0, 2.0),  # faster back than it must: it may be slowed
    ],
)
def test_a_soft_limit_bounds_the_torque_and_its_mirror_image_does_so_too(
    position, velocity, low, high
):
    assert soft_bounds(JOINT, position, velocity, GAIN) == (low, high)
    assert soft_bounds(JOINT, -position, -velocity, GAIN) == (-high, -low)


@pytest.mark.parametrize(
    ("velocity", "high"), [(1.5, 4.0), (2.0, 0.0), (2.25, -2.0), (50.0, -5.0), (-2.0, 5.0)]
)
def test_the_velocity_limit_bounds_the_torque_of_a_joint_without_position_limits(velocity, high):
    endless = JOINT._replace(
        lower=-math.inf, upper=math.inf, soft_lower=-math.inf, soft_upper=math.inf
    )
    for position in (0.0, 1e6):
        assert soft_bounds(endless, position, velocity, GAIN).high == high
        assert soft_bounds(endless, -position, -velocity, GAIN).low == -high


@pytest.mark.parametrize("position", [1.0, 1.05, 40.0])
def test_at_a_hard_limit_and_beyond_no_torque_points_outwards_not_even_to_brake(position):
    # Back at 2.25 rad/s: the velocity limit would demand 8 · 0.25 = 2 N·m outwards …
    assert soft_bounds(JOINT, position, -2.25, GAIN) == (0.0, 0.0)
    assert soft_bounds(JOINT, -position, 2.25, GAIN) == (0.0, 0.0)


def test_just_inside_a_hard_limit_a_torque_may_brake_outwards():
    assert soft_bounds(JOINT, 0.999, -2.25, GAIN) == (2.0, 5.0)
    assert soft_bounds(JOINT, -0.999, 2.25, GAIN) == (-5.0, -2.0)


def test_at_a_hard_limit_a_torque_inwards_stays():
    assert soft_bounds(JOINT, 1.0, 0.0, GAIN) == (
        -5.0,
        -5.0,
    )  # v_hi = −1: −8, and the motor has 5
    assert soft_bounds(JOINT, -1.0, 0.0, GAIN) == (5.0, 5.0)
    # v_hi = −1 would allow 8 · 0.5 N·m outwards; v_lo = −2 demands no more than −8 · 0.5.
    assert soft_bounds(JOINT, 1.0, -1.5, GAIN) == (-4.0, 0.0)
    assert soft_bounds(JOINT, -1.0, 1.5, GAIN) == (0.0, 4.0)


def test_a_clamp_hides_no_nan():
    assert math.isnan(clamp(math.nan, -2.0, 1.0))


number = st.floats(allow_nan=False, allow_infinity=False)


@given(
    position=st.one_of(st.floats(-2, 2), number),
    velocity=st.one_of(st.floats(-4, 4), number),
    soft=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).filter(lambda pair: pair[0] < pair[1]),
    k_position=st.floats(1e-3, 1e3),
    k_velocity=st.floats(1e-3, 1e3),
)
def test_the_bounds_never_cross_and_stay_within_the_torque_limit(
    position, velocity, soft, k_position, k_velocity
):
    joint = JOINT._replace(
        soft_lower=soft[0], soft_upper=soft[1], k_position=k_position, k_velocity=k_velocity
    )
    low, high = soft_bounds(joint, position, velocity, k_velocity)
    assert -5.0 <= low <= high <= 5.0


@pytest.mark.parametrize(
    ("torque", "velocity", "driven"),
    [
        (3.0, 2.0, 3.0),  # 6 W, as many as are allowed
        (4.0, 2.0, 3.0),  # 8 W
        (-4.0, -2.0, -3.0),
        (4.0, -2.0, 4.0),  # braking
        (-4.0, 2.0, -4.0),
        (4.0, 0.0, 4.0),  # at rest it has no power
        (5.0, 1e308, 6.0 / 1e308),
    ],
)
def test_power_that_drives_is_limited_and_braking_is_not(torque, velocity, driven):
    assert within_power(torque, velocity, 6.0) == driven


def test_without_a_power_limit_every_torque_passes():
    assert within_power(5.0, 1e308, math.inf) == 5.0


@pytest.mark.parametrize(
    ("torque", "last", "bounds", "moved"),
    [
        (9.0, 2.0, FREE, 3.0),  # away from zero: by `up`
        (2.5, 2.0, FREE, 2.5),
        (-9.0, -2.0, FREE, -3.0),
        (0.5, 9.0, FREE, 5.0),  # toward zero: by `safe`
        (0.5, 3.0, FREE, 0.5),
        (-0.5, -9.0, FREE, -5.0),
        (-9.0, 3.0, FREE, 0.0),  # through zero: fast as far as zero
        (-9.0, 0.5, FREE, -0.5),  # through zero: `up` reaches further than zero
        (9.0, -3.0, FREE, 0.0),
        (9.0, -0.5, FREE, 0.5),
        (-9.0, 1.0, Bounds(-100.0, -2.0), -2.0),  # to the bounds: fast as far as these
        (-9.0, 1.0, Bounds(-100.0, -8.0), -3.0),
        (-9.0, -1.5, Bounds(-100.0, -2.0), -2.5),  # `up` reaches further than the bounds
        (9.0, -1.0, Bounds(2.0, 100.0), 2.0),
        (9.0, -1.0, Bounds(8.0, 100.0), 3.0),
        (9.0, 1.5, Bounds(2.0, 100.0), 2.5),
        (1.0, 9.0, Bounds(2.0, 100.0), 5.0),  # toward zero, whatever the bounds
        (-1.0, -9.0, Bounds(-100.0, -2.0), -5.0),
    ],
)
def test_the_torque_moves_by_up_and_toward_zero_or_the_bounds_by_safe(torque, last, bounds, moved):
    assert within_rate(torque, last, bounds, up=1.0, safe=4.0) == moved


@pytest.mark.parametrize(("last", "left"), [(3.0, 1.0), (2.0, 0.0), (1.5, 0.0), (-3.0, -1.0)])
def test_a_torque_heads_for_zero_and_stays_there(last, left):
    assert toward(0.0, last, 2.0) == left


@pytest.mark.parametrize(
    ("position", "velocity", "last", "power", "low", "high"),
    [
        (0.0, 0.0, 0.0, math.inf, -0.5, 0.5),  # from rest, the rate alone
        (0.9, 1.5, 0.0, math.inf, -0.5, 0.5),  # beyond the soft limit, which has no part in it
        (0.0, 0.0, 3.0, math.inf, 1.0, 3.5),  # 2 toward zero, 0.5 away from it
        (0.0, 0.0, 4.8, math.inf, 2.8, 5.0),  # never beyond the torque limit
        (1.0, 0.5, -0.2, math.inf, -0.7, 0.0),  # at the hard limit: nothing outwards
        (1.0, 0.5, 3.0, math.inf, 1.0, 1.0),  # nor more than the rate asks for
        (0.0, 2.0, 0.0, 0.5, -0.5, 0.25),  # driven with 0.5 W at 2 rad/s
        (0.0, -2.0, 0.0, 0.5, -0.25, 0.5),
    ],
)
def test_a_stop_has_the_range_that_limits_power_and_rate_leave_it(
    position, velocity, last, power, low, high
):
    joint = JOINT._replace(power=power)
    found = braking_range(joint, position, velocity, last, rest=0.0, up=0.5, safe=2.0)
    assert found == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("position", "low", "high", "bounds"),
    [
        (0.0, -3.0, 4.0, (-3.0, 4.0)),
        (0.0, -9.0, 9.0, (-5.0, 5.0)),  # the torque limit
        (0.0, 2.0, 4.0, (0.0, 4.0)),  # faster than v_lo: the brake's business
        (1.0, -3.0, 4.0, (-3.0, 0.0)),  # at the hard limit
    ],
)
def test_a_drive_is_bounded_on_both_sides_of_zero_and_never_brakes(position, low, high, bounds):
    assert drive_bounds(JOINT, position, low, high) == bounds
