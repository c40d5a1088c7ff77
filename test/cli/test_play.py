"""`ddpg-ros play`: where the picture goes."""

import json

import pytest

from ddpg_ros.cli import play as module


@pytest.fixture
def target(monkeypatch):
    """The files that runs were asked to record, in place of a run."""
    asked = []

    def run_policy(config, console, gif, gui):
        asked.append(gif)
        return {"mean_return": -1.0}

    monkeypatch.setattr(module, "run_policy", run_policy)
    return asked


def test_a_policy_that_is_played_leaves_the_rollout_of_its_training_alone(
    ddpg_ros, arm_policy, target
):
    ended = ddpg_ros("play", "--policy", arm_policy, "--json")
    assert ended.code == 0, ended
    assert target == [arm_policy.parent / "play.gif"]
    assert json.loads(ended.out)["gif"] == str(arm_policy.parent / "play.gif")


def test_the_picture_goes_where_it_is_asked_to(ddpg_ros, arm_policy, target, tmp_path):
    asked = tmp_path / "a.gif"
    assert ddpg_ros("play", "--policy", arm_policy, "--gif", asked, "--json").code == 0
    assert target == [asked]


def test_a_window_where_there_is_a_display_takes_no_picture(
    ddpg_ros, arm_policy, target, monkeypatch
):
    monkeypatch.setenv("DISPLAY", ":0")
    assert ddpg_ros("play", "--policy", arm_policy, "--gui").code == 0
    assert target == [None]


def test_help_names_the_picture(ddpg_ros, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert "play.gif beside the policy" in ddpg_ros("play", "--help").out
