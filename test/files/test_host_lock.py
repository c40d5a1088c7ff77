"""A place on this host: one process has it, and it is free when that one ends."""

import os
import signal
import subprocess
import sys

import pytest

from ddpg_ros.errors import MachineError
from ddpg_ros.files.host_lock import take_host_lock
from test.conftest import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the names are Linux's")

HOLD = """
import sys, time
from ddpg_ros.files.host_lock import take_host_lock
lock = take_host_lock(sys.argv[1], "taken by {holder}")
print("has it", flush=True)
time.sleep(60)
"""


@pytest.fixture
def name():
    return f"test {os.getpid()} {'long/' * 100}"


def test_the_second_is_refused_with_the_process_of_the_first_until_that_one_lets_go(name):
    first = take_host_lock(name, "{holder}")
    with pytest.raises(MachineError, match=rf"^taken by process {os.getpid()}$"):
        take_host_lock(name, "taken by {holder}")
    with take_host_lock(name + "other", "{holder}"):
        pass
    first.close()
    take_host_lock(name, "{holder}").close()


def test_a_process_that_is_killed_leaves_its_place(name):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, name], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"has it\n"
        with pytest.raises(MachineError, match=rf"^taken by process {holder.pid}$"):
            take_host_lock(name, "taken by {holder}")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    take_host_lock(name, "{holder}").close()


def test_of_many_that_ask_at_once_one_gets_it(name):
    command = [sys.executable, "-c", HOLD, name]
    many = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(6)
    ]
    try:
        wait_until(lambda: sum(one.poll() is None for one in many) == 1, what="the end of five")
        (kept,) = (one for one in many if one.poll() is None)
        assert kept.stdout.readline() == b"has it\n"
    finally:
        for one in many:
            one.kill()
            one.wait()
