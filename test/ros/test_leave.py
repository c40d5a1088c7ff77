"""The end of a process: in time and with its code, whatever foreign code does."""

import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the timers are Linux's")

HANG = """
import ctypes
from ddpg_ros.ros.runtime.process import leave_within
leave_within(0.2, {code})
ctypes.PyDLL(None).sleep(30)  # with the interpreter's lock held
"""
LEAVE = """
import atexit, sys
from ddpg_ros.ros.runtime.process import leave
atexit.register(print, "a destructor")
sys.stdout.write("all that was said")
leave(2)
"""


def run(program):
    begun = time.monotonic()
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done, time.monotonic() - begun


@pytest.mark.parametrize("code", [0, 2])
def test_a_process_that_hangs_with_the_interpreters_lock_ends_in_time_with_its_code(code):
    done, took = run(HANG.format(code=code))
    assert done.returncode == code
    assert took < 10.0  # it would sleep for 30 s


def test_what_was_said_is_flushed_and_nothing_registered_for_the_exit_runs():
    done, _ = run(LEAVE)
    assert (done.returncode, done.stdout) == (2, "all that was said")
