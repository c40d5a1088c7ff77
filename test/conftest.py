"""What tests share: a ROS domain of their own, and a bounded wait."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from ddpg_ros import interpreter
from test.warm import spawned_learners, warm_learners

__all__ = ["spawned_learners", "warm_learners"]

# Hypothesis also draws constants of the modules of ours that are loaded: a derandomised test would
# have other examples after each change of code, and in each order of the tests.
if hasattr(providers, "_get_local_constants"):  # since Hypothesis 6.131
    _NO_CONSTANTS = providers.Constants()
    providers._get_local_constants = lambda: _NO_CONSTANTS

# How long an example takes says something about the machine's load, and nothing about the code.
settings.register_profile("fuzz", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `make test` answers the same to the same code; `make fuzz` looks for new examples.
settings.register_profile("test", settings.get_profile("fuzz"), derandomize=True, database=None)
settings.load_profile("test")

PATIENCE = 120.0
"""For what takes a second where nothing else runs [s]: it bounds a hang and no speed."""

HIGHEST_DOMAIN = 100  # of those that domain_coordinator keeps apart


def domains_of_this_process() -> list[int]:
    """Return the ROS domains that tests of this process take in turn.

    Each worker of pytest-xdist has its own share. In a share, the domain whose turn it is has
    been left the longest, so that nothing of the test before is found there.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = range(1 + worker % workers, HIGHEST_DOMAIN + 1, workers)
    begin = os.getpid() % len(share)  # another run on this machine begins elsewhere
    return [*share[begin:], *share[:begin]]


DOMAINS = cycle(domains_of_this_process())


def pytest_configure(config: pytest.Config) -> None:
    """Go on in the Python that was set up, as `colcon test` begins in the system's.

    What tests start shall hear the signals that a script's `make test &` has ignored.
    """
    python = interpreter.chosen()
    if python != sys.executable:
        config.pluginmanager.getplugin("capturemanager").stop_global_capturing()
        os.execv(python, [python, *sys.orig_argv[1:]])
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    for number, handler in usual.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: the last worker is not left alone with one of them."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A ROS_DOMAIN_ID that no other test uses now, set for this process and its children."""
    with free_domain(monkeypatch) as domain:
        yield domain


@contextmanager
def free_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Set a ROS_DOMAIN_ID that no other test uses meanwhile."""
    coordinator = pytest.importorskip("domain_coordinator")
    with coordinator.domain_id(lambda: next(DOMAINS)) as domain:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
        monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        yield domain


def _pause() -> None:
    time.sleep(0.005)


def wait_until(
    condition: Callable[[], bool],
    timeout: float = PATIENCE,
    what: str = "the condition",
    turn: Callable[[], object] = _pause,
) -> None:
    """Call `turn` (a short pause, or a node's spin) until the condition holds.

    Raises:
        AssertionError: it did not hold within `timeout` [s].
    """
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {timeout:g} s"
        turn()
