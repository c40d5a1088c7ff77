"""Which commands answer a recent state: hand-worked moments, and any stream of states."""

from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.safety.recent_stamps import RecentStamps

MS = 1_000_000  # [ns]


def after(*states, span=0.03):
    """The stamps [ms] of states, each with when it came [ms]."""
    recent = RecentStamps(span)
    for stamp, came in states:
        recent.add(stamp * MS, 1e-3 * came)
    return recent


def test_before_the_first_state_no_command_answers_one():
    assert not RecentStamps(0.03).answered_by(0, 1.0)


def test_a_command_that_answers_the_newest_state_or_one_before_it_counts():
    recent = after((1000, 0), (1010, 10), (1020, 20))
    for stamp in (1000, 1010, 1020):
        assert recent.answered_by(stamp * MS, 0.021)


def test_a_command_of_1970_or_with_no_stamp_does_not():
    recent = after((1000, 0), (1010, 10))
    assert not recent.answered_by(0, 0.011)
    assert not recent.answered_by(1 * MS, 0.011)


def test_a_state_that_came_longer_ago_than_the_span_is_not_answered_any_more():
    recent = after((1000, 0), (1010, 10), (1020, 20))
    assert recent.answered_by(1000 * MS, 0.030)
    assert not recent.answered_by(1000 * MS, 0.0301)
    assert recent.answered_by(1010 * MS, 0.0301)
    assert not recent.answered_by(1020 * MS, 0.0501)


def test_a_state_that_was_lost_here_may_be_answered():
    recent = after((1000, 0), (1020, 20))
    assert recent.answered_by(1010 * MS, 0.021)  # the policy heard it
    assert recent.answered_by(1030 * MS, 0.031)  # and this one, which overtook the state
    assert recent.answered_by(1050 * MS, 0.031)  # three lost: the span in stamps
    assert not recent.answered_by(1051 * MS, 0.031)


def test_after_a_jump_of_the_clock_only_its_stamps_count():
    recent = after((1000, 0), (1010, 10))
    recent.clear()
    recent.add(9_000_000 * MS, 0.02)
    assert recent.answered_by(9_000_000 * MS, 0.02)
    assert not recent.answered_by(1010 * MS, 0.02)


@given(
    gaps=st.lists(st.floats(0.0, 0.1), min_size=1, max_size=50),
    latency=st.floats(0.0, 0.03),
    which=st.integers(0, 49),
)
def test_whatever_the_rhythm_an_answer_within_the_span_counts_and_the_memory_stays_small(
    gaps, latency, which
):
    recent = RecentStamps(0.03)
    now, stamps = 0.0, []
    for gap in gaps:
        now += gap
        stamps.append((round(1e9 * now), now))
        recent.add(*stamps[-1])
    assert len(recent._arrivals) <= sum(now - came <= 0.03 for _, came in stamps)
    stamp, came = stamps[which % len(stamps)]
    at = now + latency
    assert recent.answered_by(stamp, at) == (at - came <= 0.03)
