"""The bell between two processes: it wakes, it is not lost, and many rings wake once."""

import multiprocessing
import time

from ddpg_ros.worker.shared.memory import Wakeup

CONTEXT = multiprocessing.get_context("spawn")


def ring_later(bell, seconds):
    time.sleep(seconds)
    bell.ring()


def waited(bell, timeout):
    began = time.monotonic()
    bell.wait(timeout)
    return time.monotonic() - began


def test_another_process_wakes_the_sleeper():
    bell = Wakeup(CONTEXT)
    other = CONTEXT.Process(target=ring_later, args=(bell, 0.05))
    other.start()
    assert waited(bell, 30.0) < 29.0
    other.join()


def test_a_ring_before_the_wait_is_not_lost():
    bell = Wakeup(CONTEXT)
    bell.ring()
    assert waited(bell, 30.0) < 1.0


def test_many_rings_wake_once():
    bell = Wakeup(CONTEXT)
    for _ in range(1000):
        bell.ring()
    bell.wait(30.0)
    assert waited(bell, 0.05) >= 0.05


def test_nobody_rings_and_the_sleeper_wakes_all_the_same():
    assert 0.05 <= waited(Wakeup(CONTEXT), 0.05) < 5.0
