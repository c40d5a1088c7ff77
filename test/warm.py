"""Learners of tests are forked from a process that has imported torch already.

The import is most of what a short training in a test costs. Such a learner is still a process of
its own; that it is spawned, as the product does it, is for the tests whose trainings are
processes. It writes to where the first one wrote, and has the environment that one had: a test
that reads the one, or sets the other, asks for `spawned_learners`.
"""

import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing import forkserver

import pytest

SPAWN = "ddpg_ros.worker.handle.SPAWN"


@pytest.fixture(scope="module")
def warm_learners() -> Iterator[None]:
    """Fork the learners of a module's tests; the process that they are forked from stays."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test.warm_imports"])
    forkserver.ensure_running()  # before a test sets what its environment has
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SPAWN, context)
        yield


@pytest.fixture
def spawned_learners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawn the learners of a test, as the product does."""
    monkeypatch.setattr(SPAWN, multiprocessing.get_context("spawn"))


_parent = os.getppid


def owner() -> int:
    """Return the process that has started this one, or who took it over, as `os.getppid` does."""
    owner = multiprocessing.parent_process()
    return owner.pid if owner is not None and owner.pid and owner.is_alive() else _parent()
