"""The decimator: one tick a period, by the states' own stamps, whatever they do."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ddpg_ros.control.decimator import Decimator

PERIOD = 0.04  # [s]
MS = 1_000_000  # [ns]


def taken(stamps, period=PERIOD):
    """The stamps that are acted on."""
    decimator = Decimator(period)
    return [stamp for stamp in stamps if decimator.due(stamp)]


def test_states_at_exactly_the_period_are_all_taken():
    stamps = [5 * MS + k * 40 * MS for k in range(1000)]
    assert taken(stamps) == stamps


def test_of_states_every_10_ms_each_fourth_is_taken():
    stamps = [k * 10 * MS for k in range(4000)]
    assert taken(stamps) == stamps[::4]


def test_a_period_that_is_no_whole_number_of_states_is_kept_on_average():
    # every 15 ms and a period of 40: 0, 45 (30 would be early), 90 …: 45 is the next multiple
    stamps = [k * 15 * MS for k in range(1000)]
    assert taken(stamps) == stamps[::3]


@pytest.mark.parametrize("seed", range(5))
def test_states_that_jitter_by_3_percent_are_all_taken(seed):
    jitter = np.random.default_rng(seed).uniform(-0.03, 0.03, 2000)
    stamps = [round((k + off) * 40 * MS) for k, off in enumerate(jitter)]
    assert taken(stamps) == stamps


@pytest.mark.parametrize("seed", range(5))
def test_fast_states_that_jitter_give_a_tick_a_period(seed):
    jitter = np.random.default_rng(seed).uniform(-0.3, 0.3, 8000)
    stamps = [round((k + off) * 10 * MS) for k, off in enumerate(jitter)]  # ± 3 ms of 10 ms
    ticks = taken(stamps)
    assert 0.97 * 2000 <= len(ticks) <= 2001
    gaps = np.diff(ticks) / MS
    assert gaps.min() >= 32.0
    assert gaps.max() <= 40.0 + 10.0 + 6.0  # at the latest the state after the next


def test_a_late_state_moves_the_schedule_and_no_burst_follows():
    stamps = [0, 40, *range(135, 300, 10)]  # [ms]; silence between 40 and 135, then every 10
    assert taken([stamp * MS for stamp in stamps]) == [
        stamp * MS for stamp in (0, 40, 135, 175, 215, 255, 295)
    ]


def test_a_state_that_is_hardly_late_does_not_delay_the_ones_on_time():
    stamps = [0, 42, 80, 120, 160]
    assert taken([stamp * MS for stamp in stamps]) == [stamp * MS for stamp in stamps]


def test_after_a_reset_the_next_state_is_taken_even_if_time_ran_backwards():
    decimator = Decimator(PERIOD)
    assert decimator.due(1000 * MS)
    assert not decimator.due(1001 * MS)
    decimator.reset()
    assert decimator.due(3 * MS)
    assert not decimator.due(34 * MS)
    assert decimator.due(43 * MS)


def test_a_state_a_period_is_taken_although_one_is_late_by_an_eighth():
    stamps = [0, 45, 80, 120, 165, 200]
    assert taken([stamp * MS for stamp in stamps]) == [stamp * MS for stamp in stamps]


def test_of_fast_states_the_nearest_to_the_schedule_is_taken():
    assert taken([k * 5 * MS for k in range(25)]) == [0, 40 * MS, 80 * MS, 120 * MS]


@given(
    gaps=st.lists(st.integers(0, 200 * MS), max_size=60),
    period=st.sampled_from([0.001, 0.008, 0.01, 0.04]),
)
@example(gaps=[48 * MS, 24 * MS], period=0.04)  # late by the slack, then early by it
def test_two_ticks_are_never_closer_than_four_fifths_of_a_period(gaps, period):
    ticks = taken(np.cumsum([0, *gaps]).tolist(), period)
    assert (np.diff(ticks) >= 0.8e9 * period - 1).all()


@given(gaps=st.lists(st.integers(1, 200 * MS), max_size=60))
def test_a_state_a_whole_period_after_the_last_tick_is_always_taken(gaps):
    decimator, last = Decimator(PERIOD), None
    for stamp in np.cumsum([0, *gaps]).tolist():
        due = decimator.due(stamp)
        assert due or stamp - last < 1.2 * 40 * MS
        last = stamp if due else last
