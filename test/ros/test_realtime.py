"""Real-time settings: what is granted holds, what is refused is said, the learner inherits none.

Each test acts on a process of its own, which first gives up the rights that it is to lack.
"""

import os
import subprocess
import sys
import textwrap

import pytest

PROLOGUE = """
import os, resource, subprocess, sys, threading
from ddpg_ros.config.sections import ControlSection
from ddpg_ros.config.settings import Config
from ddpg_ros.worker.main import leave_cores, yield_to_control_loop
from ddpg_ros.ros.runtime.realtime import apply_realtime, wake_on_time

class Log:
    def __init__(self):
        self.said = []
    def warning(self, message):
        self.said.append(message)

def apply(**settings):
    log = Log()
    apply_realtime(ControlSection(**settings), log)
    return log.said

def give_up_rights():
    for limit in (resource.RLIMIT_MEMLOCK, resource.RLIMIT_RTPRIO):
        resource.setrlimit(limit, (0, 0))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    os.environ["USER"] = "ada"

def locked():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmLck"))
"""


def run(code):
    """Run the lines in a process of their own; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_touched_where_nothing_is_asked_for():
    run("""
    before = os.sched_getaffinity(0)
    assert apply() == []
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    assert os.sched_getaffinity(0) == before and locked() == 0
    """)


def test_every_thread_is_pinned_to_the_cores():
    run("""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    core = min(os.sched_getaffinity(0))
    assert apply(cpus=[core]) == []
    assert os.sched_getaffinity(0) == os.sched_getaffinity(thread.native_id) == {core}
    stop.set()
    """)


def test_cores_that_do_not_exist_are_refused_and_those_that_do_are_named():
    said = run("""
    cores = os.sched_getaffinity(0)
    said, = apply(cpus=[1000])
    assert os.sched_getaffinity(0) == cores and str(sorted(cores)) in said
    print(said)
    """)
    assert "control.cpus [1000] is refused" in said


def test_priority_that_is_not_permitted_is_said_with_what_permits_it():
    said = run("""
    give_up_rights()
    said, = apply(fifo_priority=42)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    print(said)
    """)
    assert "control.fifo_priority 42 is refused" in said
    assert "'ada - rtprio 42' in /etc/security/limits.conf" in said


def test_a_memory_lock_that_is_not_permitted_is_said_with_what_permits_it():
    said = run("""
    give_up_rights()
    said, = apply(lock_memory=True)
    assert locked() == 0
    print(said)
    """)
    assert "control.lock_memory is refused" in said
    assert "'ada - memlock unlimited' in /etc/security/limits.conf" in said


def test_all_that_is_refused_is_said_at_once():
    said = run("""
    give_up_rights()
    print(len(apply(cpus=[1000], fifo_priority=1, lock_memory=True)))
    """)
    assert said.strip() == "3"


@pytest.mark.skipif(os.geteuid() != 0, reason="takes rights that only root surely has")
def test_memory_is_locked_where_it_is_permitted():
    run("""
    said = apply(lock_memory=True)
    assert said or locked() > 0  # a container may refuse root, too
    """)


def test_a_child_does_not_inherit_the_priority():
    run("""
    said = apply(fifo_priority=1)
    if not said:
        assert os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
    code = "import os; print(os.sched_getscheduler(0) == os.SCHED_OTHER)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.stdout.strip() == "True", child
    """)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="takes two cores")
def test_the_learner_leaves_the_cores_of_the_loop_whenever_it_was_started():
    run("""
    first, *rest = sorted(os.sched_getaffinity(0))
    leave_cores([])
    assert os.sched_getaffinity(0) == {first, *rest}
    leave_cores([first])
    assert os.sched_getaffinity(0) == set(rest)
    os.sched_setaffinity(0, {first})  # as one starts that a pinned process has started
    leave_cores([first])
    assert first not in os.sched_getaffinity(0)
    leave_cores(range(os.cpu_count()))  # the loop has all: nothing is left to go to
    assert os.sched_getaffinity(0)
    """)


def test_the_learner_lets_the_loop_go_first_in_real_time_alone():
    run("""
    before = os.nice(0)
    yield_to_control_loop(Config())
    assert os.nice(0) == before
    yield_to_control_loop(Config().with_parameters({"run.clock": "realtime"}))
    assert os.nice(0) == min(19, before + 10)
    """)


def test_a_wait_of_nothing_does_not_wait():
    run("""
    wake_on_time()
    with open(f"/proc/self/timerslack_ns") as file:
        assert file.read().strip() == "1"
    """)
