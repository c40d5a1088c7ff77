"""Faults 33 and 34: a disk that fails, and a process that is killed, at each call of a save."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")

from test import faulty_disk

pytestmark = [pytest.mark.slow, pytest.mark.long]

BEFORE, AFTER = 28, 56  # steps of the checkpoint that stands, and of the one that is written


DISKS = ("ENOSPC", "EROFS", "EIO")


@pytest.fixture(scope="module")
def saves(tmp_path_factory):
    """What came of saves with a fault at each call in turn, by the kind of fault."""
    library = faulty_disk.build(tmp_path_factory.mktemp("library"))
    folder = tmp_path_factory.mktemp("saves")
    ended = subprocess.run(
        [sys.executable, "-m", "test.faults.saves_in_faults", str(folder), *DISKS, "kill"],
        env=os.environ | {"LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = {}
    for line in ended.stdout.splitlines():
        fault = json.loads(line)
        found.setdefault(fault["kind"], []).append(fault)
    return found


def faults_of(saves, kind):
    *faults, last = saves[kind]
    assert last["ended"] == "whole" and last["step"] == AFTER
    assert len(faults) > 15  # calls of a save: open, write, sync and name several files
    return faults


def assert_nothing_is_lost(fault):
    assert fault["refusals"] == [], fault
    assert fault["step"] in (BEFORE, AFTER), fault
    assert fault["replay"] == fault["step"], fault
    assert fault["policy is whole"], fault
    assert (fault["again"], fault["step after"]) == ("whole", AFTER), fault


@pytest.mark.parametrize("kind", DISKS)
def test_fault_33_a_disk_that_fails_leaves_the_checkpoint_before_and_no_claim(saves, kind):
    for fault in faults_of(saves, kind):
        assert fault["ended"] == "said why", fault
        assert_nothing_is_lost(fault)


def test_fault_34_killed_at_any_call_of_a_save_a_whole_checkpoint_is_left(saves):
    faults = faults_of(saves, "kill")
    assert {fault["step"] for fault in faults} == {BEFORE, AFTER}
    for fault in faults:
        assert fault["ended"] == "killed", fault
        assert_nothing_is_lost(fault)
