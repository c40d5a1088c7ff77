"""What a managed node does if one of its hooks fails; no topics, no services."""

import pytest

pytest.importorskip("rclpy")

from rclpy.lifecycle import TransitionCallbackReturn

from ddpg_ros.errors import ConfigError
from ddpg_ros.ros.runtime.lifecycle import Lifecycle

SUCCESS = TransitionCallbackReturn.SUCCESS
FAILURE = TransitionCallbackReturn.FAILURE
ERROR = TransitionCallbackReturn.ERROR


class Hooks:
    """Writes down what is called; raises where the test says so."""

    finished = False

    def __init__(self):
        self.called, self.failing = [], {}

    def __getattr__(self, name):
        def hook():
            self.called.append(name)
            if name in self.failing:
                raise self.failing[name]

        return hook


class Managed:
    def __init__(self):
        self.hooks = Hooks()
        self.lifecycle = Lifecycle(self.hooks)

    def go(self, *transitions):
        """Make transitions; return what came of the last."""
        for name in transitions:
            done = self.lifecycle.callbacks()[f"on_{name}"](None)
        return done


@pytest.fixture
def managed():
    return Managed()


def test_every_hook_is_called_once_on_the_way_up_and_down(managed):
    assert managed.go("configure", "activate") is SUCCESS
    assert managed.lifecycle.configured and managed.lifecycle.active
    assert managed.go("shutdown") is SUCCESS
    assert managed.hooks.called == ["configure", "activate", "deactivate", "cleanup"]
    assert managed.hooks.finished
    managed.lifecycle.end()
    assert len(managed.hooks.called) == 4


def test_what_cannot_be_configured_is_refused_and_has_nothing_to_clean_up(managed):
    managed.hooks.failing["configure"] = ConfigError("no such file")
    assert managed.go("configure") is FAILURE
    managed.lifecycle.end()
    assert managed.hooks.called == ["configure"]
    with pytest.raises(ConfigError, match="no such file"):
        managed.lifecycle.raise_problem()
    managed.lifecycle.raise_problem()  # it is raised once


def test_an_activation_that_fails_half_way_is_taken_back(managed):
    managed.hooks.failing["activate"] = ConfigError("no thread")
    assert managed.go("configure", "activate") is FAILURE
    assert managed.hooks.called == ["configure", "activate", "deactivate"]
    assert managed.lifecycle.configured and not managed.lifecycle.active


def test_a_deactivation_that_fails_leads_to_the_last_resort_and_an_error(managed):
    managed.hooks.failing["deactivate"] = ZeroDivisionError("a mistake of ours")
    assert managed.go("configure", "activate", "deactivate") is ERROR
    assert managed.hooks.called[-2:] == ["deactivate", "last_resort"]
    assert not managed.lifecycle.active
    assert managed.go("error") is SUCCESS
    assert managed.hooks.called[-1] == "cleanup" and not managed.lifecycle.configured


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, MemoryError])
def test_whatever_ends_a_deactivation_the_last_resort_and_the_cleanup_follow(managed, kind):
    managed.go("configure", "activate")
    managed.hooks.failing["deactivate"] = kind()
    with pytest.raises(kind):
        managed.lifecycle.end()
    assert managed.hooks.called[-3:] == ["deactivate", "last_resort", "cleanup"]


def test_the_first_of_several_problems_is_kept(managed):
    managed.hooks.failing = {"deactivate": ValueError("first"), "cleanup": ValueError("second")}
    managed.go("configure", "activate", "deactivate", "cleanup")
    with pytest.raises(ValueError, match="first"):
        managed.lifecycle.raise_problem()
