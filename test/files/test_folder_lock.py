"""The lock of a folder: one process holds it, until it ends; the others learn which."""

import subprocess
import sys
import time

import pytest

from ddpg_ros.files.folder_lock import FolderInUseError, hold_folder

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
