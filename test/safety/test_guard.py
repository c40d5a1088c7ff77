"""The torque guard stage by stage: what goes out is within limits and not too fast."""

import math

import numpy as np
import pytest

from ddpg_ros.errors import ConfigError
from ddpg_ros.safety import guard as guard_module
from ddpg_ros.safety.guard import Guard
from test.guards import ARM, FAST, PERIOD, make_guard, send, settle
from test.limits import make_limits


def test_an_innocent_torque_passes_unchanged_and_uncounted():
    guard = make_guard()
    assert send(guard, 0.75, -0.3) == [0.75, -0.3]
    assert guard.counts == (0, 0, 0, 0, 0)


# Stage 2: the torque limit.


def test_each_joint_is_clamped_to_its_own_limit():
    guard = make_guard(**FAST)
    assert send(guard, 100.0, -100.0) == [5.0, -2.0]
    assert send(guard, -4.0, 2.5) == [-4.0, 2.0]
    assert guard.counts == (0, 2, 0, 0, 0)
    assert send(guard, 0.0, -2.5) == [0.0, -2.0]
    assert guard.counts == (0, 3, 0, 0, 0)


def test_a_torque_at_the_limit_is_neither_changed_nor_counted():
    guard = make_guard(**FAST)
    assert send(guard, 5.0, -2.0) == [5.0, -2.0]
    assert guard.counts == (0, 0, 0, 0, 0)


# Stage 3: soft and hard position limits, the velocity limit.


def test_near_a_soft_limit_the_torque_outwards_is_bounded_and_the_one_inwards_is_not():
    guard = make_guard(**ARM)
    assert send(guard, 4.0, 1.5, at=(0.5, 0.0), speed=(0.75, 0.0)) == [2.0, 1.5]
    assert guard.counts == (0, 0, 1, 0, 0)
    assert send(guard, -4.0, 1.5, at=(0.5, 0.0), speed=(0.75, 0.0)) == [-4.0, 1.5]
    assert send(guard, 1.5, 1.5, at=(0.5, 0.0), speed=(0.75, 0.0)) == [1.5, 1.5]
    assert guard.counts == (0, 0, 1, 0, 0)


def test_beyond_a_soft_limit_the_joint_is_pushed_back_whatever_is_asked():
    guard = make_guard(**ARM)
    assert send(guard, 4.0, 0.0, at=(0.875, 0.0)) == [-4.0, 0.0]
    assert send(guard, -4.0, 0.0, at=(-0.875, 0.0)) == [4.0, 0.0]
    assert guard.counts == (0, 0, 2, 0, 0)
    assert guard.fault == ""


def test_above_the_velocity_limit_a_joint_is_braked():
    guard = make_guard(**ARM)
    assert send(guard, 4.0, 1.0, speed=(2.25, 110.0)) == [-2.0, pytest.approx(-1.0)]
    assert guard.counts == (0, 0, 1, 0, 0)


@pytest.mark.parametrize(("side", "name"), [(1.0, "upper"), (-1.0, "lower")])
def test_a_joint_too_far_beyond_its_hard_limit_latches_a_fault(side, name):
    guard = make_guard(**ARM, position_tolerance=0.25)
    assert send(guard, 4.0 * side, 0.0, at=(1.25 * side, 0.0)) == [-5.0 * side, 0.0]
    assert guard.fault == ""  # just tolerated
    assert send(guard, 4.0 * side, 1.0, at=(1.5 * side, 0.0)) == [-5.0 * side, 1.0]
    assert guard.fault == (
        f"joint shoulder is at {1.5 * side:g} rad, 0.5 rad beyond its {name} limit of {side:g} "
        "rad; tolerated are 0.25 rad. Move it back between its limits."
    )


def test_the_fault_names_the_joint_that_is_out():
    guard = make_guard(lower=-3.0, soft_lower=-3.0, upper=3.0, soft_upper=3.0)
    send(guard, 0.0, 0.0, at=(3.0, -3.5))
    assert guard.fault.startswith("joint elbow is at -3.5 rad, 0.5 rad beyond its lower limit")


def test_with_a_fault_the_torque_is_guarded_as_without():
    guard = make_guard(**ARM)
    send(guard, 0.0, 0.0, at=(1.5, 0.0))
    assert guard.fault
    assert send(guard, 3.0, 9.0) == [3.0, 2.0]


# Stage 4: power.


def test_power_that_drives_a_joint_is_limited_and_braking_is_not():
    guard = make_guard(**FAST, power=(6.0, math.inf))
    assert send(guard, 4.0, 2.0, speed=(2.0, 50.0)) == [3.0, 2.0]
    assert guard.counts == (0, 0, 0, 1, 0)
    assert send(guard, -4.0, 2.0, speed=(2.0, 50.0)) == [-4.0, 2.0]
    assert send(guard, 3.0, 2.0, speed=(2.0, 50.0)) == [3.0, 2.0]
    assert guard.counts == (0, 0, 0, 1, 0)


# Stage 5: the torque rate.


def test_the_torque_moves_by_at_most_rate_times_dt_from_the_one_sent_last():
    guard = make_guard()
    assert send(guard, 3.0, -0.5) == [1.0, -0.5]
    assert send(guard, 3.0, -2.0) == [2.0, -1.5]
    assert send(guard, 3.0, -2.0) == [3.0, -2.0]
    assert guard.counts == (0, 0, 0, 0, 2)
    assert send(guard, 3.0, -2.0) == [3.0, -2.0]
    assert guard.counts == (0, 0, 0, 0, 2)


def test_toward_zero_the_torque_moves_at_the_safe_rate():
    guard = make_guard()
    assert settle(guard, 5.0, 2.0) == [5.0, 2.0]
    assert send(guard, 0.5, -2.0) == [1.0, 0.0]
    assert send(guard, 0.5, -2.0) == [0.5, -1.0]


def test_toward_the_soft_limits_the_torque_moves_at_the_safe_rate():
    guard = make_guard(**(ARM | {"torque_rate": 100.0}))
    assert send(guard, 1.0, 0.0) == [1.0, 0.0]
    assert send(guard, 4.0, 0.0, at=(0.875, 0.0)) == [-3.0, 0.0]  # on its way to −4
    assert send(guard, 4.0, 0.0, at=(0.875, 0.0)) == [-4.0, 0.0]


def test_a_bound_that_the_rate_keeps_from_being_met_is_counted_once_a_vector():
    guard = make_guard(**(ARM | {"torque_rate": 100.0}))
    assert send(guard, 100.0, 100.0, at=(0.875, 0.0)) == [-4.0, 1.0]
    assert guard.counts == (0, 1, 1, 0, 1)


@pytest.mark.parametrize(
    ("dt", "moved"),
    [
        (0.01, 1.0),
        (0.015, 1.5),
        (0.02, 2.0),
        (0.021, 2.0),
        (3600.0, 2.0),
        (math.inf, 2.0),
        (0.001, 0.1),
        (0.0, 0.0),
        (-1.0, 0.0),
        (-math.inf, 0.0),
        (math.nan, 0.0),
    ],
)
def test_dt_counts_up_to_two_periods_and_a_burst_moves_the_torque_no_faster(dt, moved):
    assert send(make_guard(), 5.0, 0.0, dt=dt) == [pytest.approx(moved), 0.0]


@pytest.mark.parametrize(
    ("dt", "moved"),
    [
        (0.01, 4.0),
        (0.021, 8.4),
        (0.025, 10.0),
        (3600.0, 10.0),
        (math.inf, 10.0),
        (0.001, 0.4),
        (0.0, 0.0),
        (-1.0, 0.0),
        (-math.inf, 0.0),
        (math.nan, 0.0),
    ],
)
def test_all_of_a_pause_counts_on_the_way_to_zero(dt, moved):
    guard = make_guard(torque=20.0)
    settle(guard, 10.0, -10.0)
    assert guard.release(dt).tolist() == pytest.approx([10.0 - moved, -10.0 + moved])


# Stage 6, and lowering a limit.


def test_a_limit_lowered_below_the_torque_sent_last_wins_over_the_rate():
    guard = make_guard(torque_rate=10.0)
    for _ in range(60):
        send(guard, 5.0, -2.0)
    guard.lower_torque_limit(np.array([1.0, 2.0]))
    assert guard.last.tolist() == [5.0, -2.0]  # that was sent, after all
    before = guard.counts
    assert send(guard, 0.5, -2.0) == [1.0, -2.0]  # the rate alone would have left 4.6 N·m
    assert guard.counts == before._replace(torque=before.torque + 1, rate=before.rate + 1)


def test_a_lowered_limit_holds_for_a_release_too():
    guard = make_guard(torque_rate=10.0)
    for _ in range(60):
        send(guard, 5.0, -2.0)
    guard.lower_torque_limit(np.array([1.0, 0.5]))
    assert guard.release(PERIOD).tolist() == [1.0, -0.5]


def test_a_lowered_limit_is_in_force_for_good():
    guard = make_guard(**FAST)
    guard.lower_torque_limit(np.array([3.0, 2.0]))
    assert send(guard, 4.0, -4.0) == [3.0, -2.0]
    assert guard.limits.torque.tolist() == [3.0, 2.0]
    guard.reset()
    guard.clear_fault()
    assert send(guard, -4.0, 4.0) == [-3.0, 2.0]


@pytest.mark.parametrize(
    "limit", [(1.0, 2.1), (0.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (1.0,), (1.0, 1.0, 1.0)]
)
def test_a_limit_that_would_rise_or_is_none_is_refused_as_a_whole(limit):
    guard = make_guard(**FAST)
    with pytest.raises(ConfigError, match=r"limit in force \[N·m\]: shoulder 5, elbow 2"):
        guard.lower_torque_limit(np.array(limit))
    assert send(guard, 9.0, 9.0) == [5.0, 2.0]


def test_a_stage_that_goes_wrong_sends_nothing(monkeypatch):
    guard = make_guard()
    send(guard, 0.5, 0.5)
    monkeypatch.setattr(guard_module, "within_power", lambda *_: math.nan)
    with pytest.raises(AssertionError, match=r"nan N·m for joint shoulder, asked for 1\.0"):
        send(guard, 1.0, 1.0)
    assert guard.last.tolist() == [0.5, 0.5]


# Damping and release.


def test_damping_brakes_each_joint_by_its_own_gain_through_all_stages():
    guard = make_guard(damping=(0.5, 0.25))
    velocity = np.array([1.0, -2.0])
    assert guard.damp(np.zeros(2), velocity, PERIOD).tolist() == [-0.5, 0.5]
    assert guard.last.tolist() == [-0.5, 0.5]
    assert guard.damp(np.zeros(2), 2.0 * velocity, PERIOD).tolist() == [-1.0, 1.0]
    assert guard.damp(np.zeros(2), 20.0 * velocity, PERIOD).tolist() == [-2.0, 2.0]  # the rate
    for _ in range(9):
        capped = guard.damp(np.zeros(2), 20.0 * velocity, PERIOD).tolist()
    assert capped == [-5.0, 2.0]


def test_a_stop_beyond_a_soft_limit_does_not_drive_the_arm_back():
    guard = make_guard(**ARM)
    assert guard.damp(np.array([0.9, 0.0]), np.zeros(2), PERIOD).tolist() == [0.0, 0.0]


def test_a_stop_notices_a_hard_limit_and_sends_no_torque_outwards_there():
    guard = make_guard(**ARM)
    inwards, beyond = np.array([-1.0, 0.0]), np.array([1.5, 0.0])
    assert guard.damp(beyond, inwards, PERIOD).tolist() == [0.0, 0.0]  # to brake is outwards
    assert guard.damp(beyond, -inwards, PERIOD).tolist() == [-0.5, 0.0]
    assert guard.fault.startswith("joint shoulder is at 1.5 rad")


@pytest.mark.parametrize("bad", [np.array([math.nan, 0.0]), np.zeros(3)])
def test_damping_without_a_state_heads_for_zero(bad):
    for position, velocity in ((bad, np.ones(2)), (np.ones(2), bad)):
        guard = make_guard()
        settle(guard, 4.5, 2.0)
        assert guard.damp(position, velocity, PERIOD).tolist() == [0.5, 0.0]
        assert guard.counts.rejected == 1


def test_a_release_heads_for_zero_at_the_safe_rate_and_counts_as_nothing():
    guard = make_guard()
    settle(guard, 4.5, -2.0)
    counts = guard.counts
    assert guard.release(PERIOD).tolist() == [0.5, 0.0]
    assert guard.last.tolist() == [0.5, 0.0]
    assert guard.release(PERIOD).tolist() == [0.0, 0.0]
    assert guard.release(PERIOD).tolist() == [0.0, 0.0]
    assert guard.counts == counts


# Memory.


def test_reset_starts_from_zero_torque_and_keeps_the_counts():
    guard = make_guard()
    settle(guard, 3.0, 9.0)
    send(guard, math.nan, 0.0)
    counts = guard.counts
    guard.reset()
    assert guard.counts == counts
    assert guard.last.tolist() == [0.0, 0.0]
    assert send(guard, 3.0, 0.0) == [1.0, 0.0]


def test_float32_and_lists_are_taken_and_the_answer_is_float64():
    answer = make_guard().apply(np.array([0.5, 0.25], np.float32), [0, 0], [0.0, 0.0], PERIOD)
    assert answer.dtype == np.float64
    assert answer.tolist() == [0.5, 0.25]


def test_nothing_that_a_caller_holds_reaches_the_guards_memory():
    guard = make_guard()
    torque, position, velocity = np.array([0.5, 0.5]), np.zeros(2), np.zeros(2)
    answers = [
        guard.apply(torque, position, velocity, PERIOD),
        guard.last,
        guard.damp(position, np.array([-1.0, -1.0]), PERIOD),
    ]
    for array in (*answers, torque):
        array[:] = 1e9
    assert guard.last.tolist() == [0.5, 0.5]
    guard.release(0.0)[:] = 1e9
    assert send(guard, 3.0, 0.5) == [1.5, 0.5]
    with pytest.raises(ValueError, match="read-only"):
        guard.limits.torque[0] = 1e9


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_period_that_is_not_positive_and_finite_is_refused(bad):
    with pytest.raises(ConfigError, match=rf"control.period is {bad:g} s; expected"):
        Guard(make_limits(), bad)
