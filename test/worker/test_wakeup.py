"""The wakeup between two processes: it wakes, it is not lost, and many rings wake once."""

import multiprocessing
import time

from ddpg_ros.worker.shared.memory import Wakeup

CONTEXT = multiprocessing.get_context("spawn")


def ring_later(wakeup, seconds):
    time.sleep(seconds)
    wakeup.notify()


def waited(wakeup, timeout):
    began = time.monotonic()
    wakeup.wait(timeout)
    return time.monotonic() - began


def test_another_process_wakes_the_sleeper():
    wakeup = Wakeup(CONTEXT)
    other = CONTEXT.Process(target=ring_later, args=(wakeup, 0.05))
    other.start()
    assert waited(wakeup, 30.0) < 29.0
    other.join()


def test_a_ring_before_the_wait_is_not_lost():
    wakeup = Wakeup(CONTEXT)
    wakeup.notify()
    assert waited(wakeup, 30.0) < 1.0


def test_many_rings_wake_once():
    wakeup = Wakeup(CONTEXT)
    for _ in range(1000):
        wakeup.notify()
    wakeup.wait(30.0)
    assert waited(wakeup, 0.05) >= 0.05


def test_nobody_rings_and_the_sleeper_wakes_all_the_same():
    assert 0.05 <= waited(Wakeup(CONTEXT), 0.05) < 5.0
