"""The wakeup between two processes: it wakes, it is not lost, and many rings wake once."""

import multiprocessing
import os
import subprocess
import sys
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
    wakeup = Wakeup()
    other = CONTEXT.Process(target=ring_later, args=(wakeup, 0.05))
    other.start()
    assert waited(wakeup, 30.0) < 29.0
    other.join()


def test_a_ring_before_the_wait_is_not_lost():
    wakeup = Wakeup()
    wakeup.notify()
    assert waited(wakeup, 30.0) < 1.0


def test_many_rings_wake_once():
    wakeup = Wakeup()
    for _ in range(1000):
        wakeup.notify()
    wakeup.wait(30.0)
    assert waited(wakeup, 0.05) >= 0.05


def test_nobody_rings_and_the_sleeper_wakes_all_the_same():
    assert 0.05 <= waited(Wakeup(), 0.05) < 5.0


def test_its_descriptor_goes_with_it():
    before = os.listdir("/proc/self/fd")
    for _ in range(100):
        Wakeup().notify()
    assert len(os.listdir("/proc/self/fd")) <= len(before) + 1


def test_a_process_that_ends_at_once_leaves_nothing_that_python_warns_of():
    """Nodes end by os._exit; a semaphore with a name was left, and its tracker said so."""
    program = (
        "import os; from ddpg_ros.worker.shared.memory import Wakeup, allocate;"
        "kept = Wakeup(), allocate(64); os._exit(0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, b"")
