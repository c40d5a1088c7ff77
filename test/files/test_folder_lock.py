"""The lock of a folder: one process holds it, until it ends; the others learn which."""

import os
import signal
import subprocess
import sys
import time

import pytest

from ddpg_ros.files.folder_lock import FolderInUseError, hold_folder, shared_with_children

HOLDER = """
import sys, time
from pathlib import Path
from ddpg_ros.files.folder_lock import hold_folder
with hold_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_with_the_number_of_the_first(holder, tmp_path):
    with pytest.raises(FolderInUseError) as caught, hold_folder(tmp_path):
        pass
    assert str(caught.value) == f"process {holder.pid}"


def test_a_process_that_is_killed_holds_it_no_longer_and_one_that_waits_gets_it(holder, tmp_path):
    holder.kill()
    began = time.monotonic()
    with hold_folder(tmp_path, patience=10.0):
        assert time.monotonic() - began < 10.0


def test_it_is_held_until_the_block_ends_and_leaves_no_file(tmp_path):
    with hold_folder(tmp_path), pytest.raises(FolderInUseError), hold_folder(tmp_path):
        pass
    with hold_folder(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"), hold_folder(tmp_path / "none"):
        pass


def test_a_child_that_shares_it_holds_it_too_and_after_its_parent(tmp_path):
    with hold_folder(tmp_path):
        shared = shared_with_children(tmp_path)
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | shared.environment,
            pass_fds=shared.numbers,
        )
        assert child.stdout.readline() == "held\n"
    with pytest.raises(FolderInUseError), hold_folder(tmp_path):
        pass
    child.kill()
    child.wait()
    with hold_folder(tmp_path):
        pass


def test_a_child_shares_no_lock_of_another_folder_and_none_that_is_not_held(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    assert shared_with_children(inner) == shared_with_children(None) == ((), {})
    with hold_folder(inner):
        shared = shared_with_children(inner)
        assert shared_with_children(tmp_path).numbers == ()
        with hold_folder(tmp_path):
            child = subprocess.run(
                [sys.executable, "-c", HOLDER, str(tmp_path)],
                env=os.environ | shared.environment,
                pass_fds=shared.numbers,
                capture_output=True,
                text=True,
                check=False,
            )
    assert f"FolderInUseError: process {os.getpid()}" in child.stderr


def test_a_holder_that_has_ended_is_not_named_but_the_child_that_shares_its_lock(tmp_path):
    parent = """
import os, subprocess, sys, time
from pathlib import Path
from ddpg_ros.files.folder_lock import hold_folder, shared_with_children
with hold_folder(Path(sys.argv[1])):
    shared = shared_with_children(Path(sys.argv[1]))
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, pass_fds=shared.numbers)
    print(child.pid, flush=True)
    os._exit(0)
"""
    command = [sys.executable, "-c", parent, str(tmp_path)]
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    try:
        with pytest.raises(FolderInUseError) as caught, hold_folder(tmp_path):
            pass
        assert str(caught.value) == f"process {child}"
    finally:
        os.kill(int(child), signal.SIGKILL)
