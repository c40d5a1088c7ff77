"""The ring: nothing lost silently, nothing reordered, across real processes."""

import multiprocessing
import time
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.worker.shared.ring import Ring

SPAWN = multiprocessing.get_context("spawn")
HEADER = 128  # [bytes] before the first record: a cache line for each side's counters


def record(number, width=3):
    return np.full(width, number, dtype=np.float32)


def first_column(records):
    return records[:, 0].tolist()


def test_a_new_ring_is_empty():
    ring = Ring(capacity=4, width=3)
    assert (len(ring), ring.pushed, ring.dropped) == (0, 0, 0)
    assert ring.pop_all().shape == (0, 3)


def test_records_come_out_whole_and_in_order():
    ring = Ring(capacity=4, width=3)
    assert ring.push(np.array([1, 2, 3], dtype=np.float32))
    assert ring.push(np.array([4, 5, 6], dtype=np.float32))
    assert len(ring) == 2
    records = ring.pop_all()
    assert records.dtype == np.float32
    assert records.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert len(ring) == 0


def test_order_is_kept_where_the_records_wrap_around():
    ring = Ring(capacity=4, width=3)
    for number in (0, 1, 2):
        ring.push(record(number))
    ring.pop_all()  # the next record goes to the last place, those after it to the first ones
    for number in (3, 4, 5, 6):
        assert ring.push(record(number))
    assert first_column(ring.pop_all()) == [3, 4, 5, 6]


def test_a_full_ring_drops_the_new_record_and_counts_it():
    ring = Ring(capacity=2, width=3)
    assert [ring.push(record(number)) for number in range(5)] == [True, True, False, False, False]
    assert (ring.pushed, ring.dropped, len(ring)) == (2, 3, 2)
    assert first_column(ring.pop_all()) == [0, 1]
    assert ring.push(record(9))
    assert first_column(ring.pop_all()) == [9]


def test_what_was_popped_belongs_to_the_caller():
    ring = Ring(capacity=2, width=3)
    ring.push(record(1))
    kept = ring.pop_all()
    ring.push(record(2))
    ring.push(record(3))
    assert first_column(kept) == [1]


def test_a_pushed_record_may_be_reused_by_the_caller():
    ring = Ring(capacity=2, width=3)
    reused = record(1)
    ring.push(reused)
    reused[:] = 7
    assert first_column(ring.pop_all()) == [1]


def test_a_record_of_another_width_is_refused_and_not_broadcast():
    ring = Ring(capacity=2, width=3)
    with pytest.raises(ValueError, match=r"shape \(1,\).*takes \(3,\)"):
        ring.push(record(1, width=1))
    assert ring.pushed == 0


@pytest.mark.parametrize(("capacity", "width"), [(0, 3), (3, 0), (-1, 3)])
def test_a_ring_that_can_hold_nothing_is_refused(capacity, width):
    with pytest.raises(ValueError, match=f"capacity {capacity} and width {width}"):
        Ring(capacity, width)


def test_the_counters_of_the_two_sides_stand_on_different_cache_lines():
    ring = Ring(capacity=2, width=3)
    address = ring._records.__array_interface__["data"][0]
    assert address % 64 == 0
    ring.push(record(5))
    ring.pop_all()
    words = np.asarray(ring._words)
    assert np.flatnonzero(words).tolist() == [0, 8]  # head, tail: 64 bytes apart
    assert words.nbytes == HEADER


@settings(deadline=None, max_examples=100)
@given(
    capacity=st.integers(1, 5),
    pushes_before_each_pop=st.lists(st.integers(0, 8), max_size=12),
)
def test_it_behaves_as_a_bounded_queue_does(capacity, pushes_before_each_pop):
    ring, model, number, dropped = Ring(capacity, 2), deque(), 0, 0
    for pushes in pushes_before_each_pop:
        for _ in range(pushes):
            number += 1
            fits = len(model) < capacity
            if fits:
                model.append(number)
            dropped += not fits
            assert ring.push(record(number, width=2)) == fits
            assert len(ring) == len(model)
        assert ring.pop_all().tolist() == [[n, n] for n in model]
        model.clear()
        assert (ring.dropped, ring.pushed) == (dropped, number - dropped)


def produce(ring, count):
    """Push 1, 2, … `count` as fast as the ring takes them."""
    number = 1
    while number <= count:
        number += ring.push(record(number, ring.width))


@pytest.mark.slow
def test_a_spawned_producer_loses_reorders_and_tears_nothing():
    count, width = 20_000, 40
    ring = Ring(capacity=64, width=width)
    producer = SPAWN.Process(target=produce, args=(ring, count), daemon=True)
    producer.start()
    popped, deadline = [], time.monotonic() + 120
    while sum(map(len, popped)) < count and time.monotonic() < deadline:
        popped.append(ring.pop_all())
    producer.join(60)
    assert producer.exitcode == 0
    records = np.concatenate(popped)
    expected = np.arange(1, count + 1, dtype=np.float32)
    assert np.array_equal(records, np.repeat(expected[:, None], width, axis=1))
    assert ring.pushed == count
    assert ring.dropped > 0  # 64 places for 20 000: the full ring was tried as well
