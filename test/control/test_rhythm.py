"""Rate, jitter and misses of the control loop."""

import pytest

from ddpg_ros.control.rhythm import TickClock


def test_rate_and_worst_deviation_are_of_the_ticks_since_the_last_look():
    clock = TickClock(0.01)
    for interval in (0.010, 0.012, 0.009, 0.009):
        clock.add(interval)
    assert clock.take() == pytest.approx((100.0, 0.002, 0))
    clock.add(0.02)
    assert clock.take() == pytest.approx((50.0, 0.01, 0))
    assert clock.take() == (0.0, 0.0, 0)


def test_misses_are_intervals_above_two_periods_and_are_kept():
    clock = TickClock(0.01)
    for interval in (0.02, 0.0201, 0.5, 0.01):
        clock.add(interval)
    assert clock.misses == 2
    clock.take()
    assert clock.take().misses == 2
