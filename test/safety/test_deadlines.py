"""When silence matters: two periods, three periods, ten within 20 to 100 ms."""

import math

import pytest

from ddpg_ros.safety.deadlines import Deadlines


@pytest.mark.parametrize(
    ("period", "warn", "degrade", "latch"),
    [
        (0.001, 0.002, 0.003, 0.020),
        (0.005, 0.010, 0.015, 0.050),
        (0.010, 0.020, 0.030, 0.100),
        (0.040, 0.080, 0.080, 0.100),
        (0.050, 0.100, 0.100, 0.125),  # never more closely than two and a half periods
        (0.200, 0.400, 0.400, 0.500),
    ],
)
def test_deadlines_of_a_period(period, warn, degrade, latch):
    assert Deadlines.of(period) == pytest.approx((period, warn, degrade, latch))


def test_the_latch_is_a_setting_and_holds_back_before_it_latches():
    assert Deadlines.of(0.01, 0.5) == pytest.approx((0.01, 0.02, 0.03, 0.5))
    assert Deadlines.of(0.01, 0.02) == pytest.approx((0.01, 0.016, 0.016, 0.02))


def test_in_lock_step_no_deadline_ever_comes():
    assert Deadlines.none(0.04) == (0.04, math.inf, math.inf, math.inf)
