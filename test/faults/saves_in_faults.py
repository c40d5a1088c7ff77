"""Saves a run, with a disk that fails at each call in turn; the test starts this process.

`python saves_in_faults.py FOLDER KIND …`: a KIND is the name of an errno or `kill`. For each, a
JSON line a call is printed: how the save ended, and which checkpoint is found afterwards.
"""

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import torch

from ddpg_ros.control.policy import load_policy
from ddpg_ros.files.generations import newest_generation
from test import faulty_disk
from test.worker.inline import InlineRun, config_of


def main(folder, kinds):
    torch.set_num_threads(1)
    original = folder / "original"
    original.mkdir()
    run = InlineRun(original, config_of())
    run.run(3)
    run.save()
    run.run(3)  # more records, for the next checkpoint
    for kind in kinds:
        number = faulty_disk.KILL if kind == "kill" else getattr(errno, kind)
        save_in_faults(folder, run, kind, number)


def save_in_faults(folder, run, kind, number):
    """Save with a fault at each call in turn, and print what came of it."""
    original, at = folder / "original", 0
    while True:
        at += 1
        place = folder / f"{at}"
        shutil.copytree(original, place)
        outcome = in_child(run, place, at, number)
        newest, refusals = newest_generation(place / "checkpoints", place)
        replay = -1
        if newest is not None:
            found = reader(folder, place)
            found.saver.resume(found.learner, newest.path)
            replay = found.learner.replay.total
        again = in_child(run, place, 0, 0)
        after, _ = newest_generation(place / "checkpoints", place)
        print(
            json.dumps(
                {
                    "kind": kind,
                    "at": at,
                    "ended": outcome,
                    "step": newest and newest.document["step"],
                    "replay": replay,
                    "refusals": refusals,
                    "again": again,
                    "step after": after and after.document["step"],
                    "policy is whole": load_policy(place / "policy.safetensors") is not None,
                }
            ),
            flush=True,
        )
        shutil.rmtree(place)
        if outcome == "whole":
            return


def reader(folder, place):
    """A fresh learner that reads what is in a place."""
    aside = folder / "reader"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    run = InlineRun(aside, config_of())
    run.log.close()
    run.saver._endpoint.run_dir = place
    run.saver._replay._root = place
    return run


def in_child(run, place, at, number):
    """Save to a place in a child, whose calls fail from `at` on; return how it ended."""
    child = os.fork()
    if not child:
        code = 3
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            move(run, place)
            faulty_disk.arm(place, at, number)
            said = run.saver.save(run.learner, run.course, run.log)
            code = 1 if said else 2 if at == 0 or faulty_disk.calls() < at else 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return {0: "claimed", 1: "said why", 2: "whole"}.get(os.WEXITSTATUS(status), "raised")


def move(run, place):
    """Let a run save in a copy of its folder."""
    run.saver._endpoint.run_dir = run.saver._replay._root = place
    run.saver.policy, run.saver._checkpoints = place / "policy.safetensors", place / "checkpoints"
    run.log._path = run.log._file._path = place / "metrics.csv"
    run.log._folder = place / "tensorboard"
    run.log._file._file = None


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
