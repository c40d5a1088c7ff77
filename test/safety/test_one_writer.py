"""Two writers on a topic are told from one: hand-worked sequences, and any two that are woven."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.safety.one_writer import OneWriter


def heard(numbers, every=0.04):
    """What has heard the numbers, one each so many seconds, and when the last one came [s]."""
    writer, now = OneWriter(), 0.0
    for number in numbers:
        now += every
        writer.hear(number, now)
    return writer, now


def test_one_writer_with_gaps_is_one():
    writer, now = heard([1, 2, 5, 6, 40, 41])
    assert not writer.contradicted(now)


def test_two_writers_that_take_turns_are_found_out_by_their_third_turn():
    writer, now = heard([500, 7, 501, 8, 502])
    assert not writer.contradicted(now)
    writer.hear(9, now)
    assert writer.contradicted(now)


def test_two_writers_that_count_alike_are_found_out_too():
    writer, now = heard([1, 1, 2, 2, 3, 3])
    assert writer.contradicted(now)


def test_a_driver_that_is_started_again_is_one():
    writer, now = heard([700, 701, 1, 2, 3, 1, 2])
    assert not writer.contradicted(now)


def test_what_was_is_forgotten_after_five_seconds_and_when_told_so():
    writer, now = heard([1, 1, 2, 2, 3, 3])
    assert writer.contradicted(now + 4.8)
    assert not writer.contradicted(now + 5.1)
    writer.forget()
    assert not writer.contradicted(now)


def test_a_middleware_that_does_not_number_its_messages_says_nothing():
    writer, now = heard([None] * 20)
    assert not writer.contradicted(now)


@given(
    first=st.integers(1, 10**9),
    second=st.integers(1, 10**9),
    turns=st.lists(st.booleans(), min_size=40, max_size=80),
)
def test_whatever_they_count_from_three_messages_among_anothers_give_two_writers_away(
    first, second, turns
):
    last = {True: first, False: second}
    numbers = []
    for turn in turns:
        last[turn] += 1
        numbers.append(last[turn])
    writer, now = heard(numbers, every=0.01)
    backs = sum(after <= before for before, after in pairwise(numbers))
    assert writer.contradicted(now) == (backs >= 3)
    alone = [number for number, turn in zip(numbers, turns, strict=True) if turn]
    one, now = heard(alone)
    assert not one.contradicted(now)
