"""The torque guard: whatever comes, what goes out is finite, within limits and not too fast."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ddpg_ros.control.guard import Guard
from ddpg_ros.errors import ConfigError

PERIOD = 0.01  # [s]
LIMIT = (5.0, 2.0)  # [N·m]


def make_guard(limit=LIMIT, rate=100.0, period=PERIOD):
    """Make a guard that lets a torque move by 1 N·m a period."""
    return Guard(np.array(limit), rate, period)


def send(guard, *torque, dt=PERIOD):
    return guard.apply(np.array(torque, dtype=np.float64), dt).tolist()


def settle(guard, *torque):
    for _ in range(10):
        answer = send(guard, *torque)
    return answer


def test_an_innocent_torque_passes_unchanged_and_uncounted():
    guard = make_guard()
    assert send(guard, 0.75, -0.3) == [0.75, -0.3]
    assert guard.counts == (0, 0, 0)


def test_the_torque_moves_by_at_most_rate_times_dt_from_the_one_sent_last():
    guard = make_guard()
    assert send(guard, 3.0, -0.5) == [1.0, -0.5]
    assert send(guard, 3.0, -0.5) == [2.0, -0.5]
    assert send(guard, -3.0, 0.25) == [1.0, 0.25]
    assert guard.counts == (0, 0, 3)


def test_each_joint_is_clamped_to_its_own_limit():
    guard = make_guard(rate=1e6)
    assert send(guard, 100.0, -100.0) == [5.0, -2.0]
    assert send(guard, -4.0, 2.5) == [-4.0, 2.0]
    assert guard.counts == (0, 2, 0)
    assert send(guard, 0.0, -2.5) == [0.0, -2.0]
    assert guard.counts == (0, 3, 0)


def test_a_torque_at_the_limit_is_neither_changed_nor_counted():
    guard = make_guard(rate=1e6)
    assert send(guard, 5.0, -2.0) == [5.0, -2.0]
    assert guard.counts == (0, 0, 0)


def test_limit_and_rate_may_both_act_and_are_both_counted():
    guard = make_guard()
    assert send(guard, 100.0, 0.0) == [1.0, 0.0]
    assert guard.counts == (0, 1, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_number_that_is_not_finite_rejects_the_whole_torque(bad):
    guard = make_guard()
    settle(guard, 3.0, 2.0)
    before = guard.counts
    assert send(guard, bad, 2.0) == [2.0, 1.0]  # both joints head for zero, at the rate
    assert send(guard, 3.0, bad) == [1.0, 0.0]
    assert send(guard, bad, bad) == [0.0, 0.0]
    assert guard.counts.rejected == before.rejected + 3
    assert guard.counts.torque == before.torque  # never clipped


@pytest.mark.parametrize(
    "wrong", [np.zeros(1), np.zeros(3), np.zeros((1, 2)), np.zeros((2, 1)), np.array(4.0), []]
)
def test_a_torque_of_another_shape_is_rejected_and_not_broadcast(wrong):
    guard = make_guard()
    settle(guard, 3.0, 2.0)
    assert guard.apply(np.asarray(wrong, dtype=np.float64), PERIOD).tolist() == [2.0, 1.0]
    assert guard.counts.rejected == 1


def test_the_guard_goes_on_from_what_was_sent_after_a_rejection():
    guard = make_guard()
    settle(guard, 3.0, 2.0)
    send(guard, math.nan, math.nan)
    assert send(guard, 3.0, 2.0) == [3.0, 2.0]


@pytest.mark.parametrize(
    ("dt", "moved"),
    [
        (0.01, 1.0),
        (0.015, 1.5),
        (0.02, 2.0),
        (0.021, 2.0),
        (3600.0, 2.0),
        (math.inf, 2.0),
        (0.005, 0.5),
        (0.004, 0.5),
        (0.0, 0.5),
        (-1.0, 0.5),
        (-math.inf, 0.5),
        (math.nan, 0.5),
    ],
)
def test_dt_counts_between_half_a_period_and_two(dt, moved):
    assert send(make_guard(), 5.0, 0.0, dt=dt) == [pytest.approx(moved), 0.0]


def test_reset_starts_from_zero_torque_and_keeps_the_counts():
    guard = make_guard()
    settle(guard, 3.0, 9.0)
    send(guard, math.nan, 0.0)
    counts = guard.counts
    guard.reset()
    assert guard.counts == counts
    assert send(guard, 3.0, 0.0) == [1.0, 0.0]


def test_float32_torques_are_taken_and_the_answer_is_float64():
    answer = make_guard().apply(np.array([0.5, 0.25], dtype=np.float32), PERIOD)
    assert answer.dtype == np.float64
    assert answer.tolist() == [0.5, 0.25]


def test_nothing_that_a_caller_holds_reaches_the_guards_memory():
    limit, torque = np.array(LIMIT), np.array([0.5, 0.5])
    guard = Guard(limit, 100.0, PERIOD)
    limit[:] = 1e9
    answer = guard.apply(torque, PERIOD)
    torque[:] = answer[:] = 1e9
    assert send(guard, 3.0, 0.5) == [1.5, 0.5]
    assert settle(guard, 1e9, 1e9) == [5.0, 2.0]


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_limit_rate_or_period_that_is_not_positive_and_finite_is_refused(bad):
    with pytest.raises(ConfigError, match=rf"torque limit of joint 1 is {bad:g} N·m; expected"):
        make_guard(limit=(5.0, bad))
    with pytest.raises(ConfigError, match=rf"robot.torque_rate is {bad:g} N·m/s; expected"):
        make_guard(rate=bad)
    with pytest.raises(ConfigError, match=rf"control.period is {bad:g} s; expected"):
        make_guard(period=bad)


@pytest.mark.parametrize("limit", [(), ((5.0, 2.0),), 5.0])
def test_a_limit_that_is_not_one_number_a_joint_is_refused(limit):
    with pytest.raises(ConfigError, match=r"expected one number a joint"):
        make_guard(limit=limit)


any_number = st.floats(allow_nan=True, allow_infinity=True)
any_torque = st.one_of(
    st.lists(st.one_of(st.floats(-10, 10), any_number), min_size=2, max_size=2),
    st.lists(any_number, max_size=4),
)
BIG = float(np.finfo(np.float64).max)


@settings(deadline=None, max_examples=300)
@given(
    ticks=st.lists(st.tuples(any_torque, st.one_of(st.floats(0, 0.05), any_number)), max_size=20),
    rate=st.floats(1e-3, 1e6),
    limit=st.tuples(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6)),
    reset_at=st.integers(0, 20),
)
@example(ticks=[([BIG, -BIG], 0.01), ([-BIG, BIG], 0.01)], rate=1e6, limit=(1.0, 1.0), reset_at=9)
@example(ticks=[([math.nan, 1.0], math.nan)], rate=1.0, limit=(1.0, 1.0), reset_at=9)
def test_for_every_input_the_answer_is_finite_within_limits_and_not_too_fast(
    ticks, rate, limit, reset_at
):
    guard = make_guard(limit, rate)
    last = np.zeros(2)
    for tick, (torque, dt) in enumerate(ticks):
        if tick == reset_at:
            guard.reset()
            last = np.zeros(2)
        answer = guard.apply(np.array(torque, dtype=np.float64), dt)
        usable = dt if dt == dt else 0.0
        step = rate * min(max(usable, PERIOD / 2), 2 * PERIOD)
        assert answer.shape == (2,)
        assert np.isfinite(answer).all()
        assert (np.abs(answer) <= limit).all()
        rounding = np.spacing(np.maximum(np.abs(answer), np.abs(last)))
        assert (np.abs(answer - last) <= step + rounding).all()
        last = answer
    assert all(0 <= count <= len(ticks) for count in guard.counts)


@settings(deadline=None, max_examples=100)
@given(torque=st.tuples(st.floats(-5, 5), st.floats(-2, 2)))
def test_a_torque_within_the_limits_is_reached_exactly_and_kept(torque):
    guard = make_guard()
    assert settle(guard, *torque) == list(torque)
    counts = guard.counts
    assert send(guard, *torque) == list(torque)
    assert guard.counts == counts
