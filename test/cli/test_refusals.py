"""What a command line refuses before anything starts: one sentence, and nothing left behind."""

import sys

import pytest

from ddpg_ros.cli.plan import load_arm_config
from ddpg_ros.config import Config, to_parameters
from ddpg_ros.errors import nearest


def test_an_arm_is_not_trained_with_the_settings_for_gymnasium(ddpg_ros, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    sentence = ddpg_ros("train", "--config", "gym").sentence
    assert sentence == (
        "ddpg-ros: the configuration 'gym' is for ddpg-ros train --gym ENV_ID; for an arm take "
        "one of panda, reach, swing_up, or a file of yours."
    )
    assert list(tmp_path.iterdir()) == []


def test_help_lists_the_configurations_that_are_there(ddpg_ros, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    said = ddpg_ros("train", "--help").out
    assert "one of ours: gym, panda, reach, swing_up; default: reach, with --gym: gym." in said
    assert load_arm_config("reach").task.name == "reach"
    assert load_arm_config("swing_up").task.name == "swing_up"


@pytest.mark.parametrize("name", to_parameters(Config()))
def test_a_setting_without_its_section_is_recognised(name):
    without = name.partition(".")[2]
    assert nearest(without, to_parameters(Config())) == f"; did you mean '{name}'?"


def test_a_setting_without_its_section_is_refused_with_its_whole_name(ddpg_ros):
    sentence = ddpg_ros("train", "--set", "n_step=3").sentence
    assert sentence.endswith("there is no setting 'n_step'; did you mean 'learner.n_step'?")


@pytest.fixture
def missing(monkeypatch):
    """Makes a library one that is not installed, for Gymnasium's environments of a kind."""

    def hide(library, kind):
        monkeypatch.setitem(sys.modules, library, None)
        for name in list(sys.modules):
            if name.startswith(f"gymnasium.envs.{kind}"):
                monkeypatch.delitem(sys.modules, name)

    return hide


def test_without_mujoco_the_way_of_this_project_to_install_it_is_named(ddpg_ros, missing):
    missing("mujoco", "mujoco")
    sentence = ddpg_ros("train", "--gym", "Hopper-v5").sentence
    assert "MuJoCo is not installed" in sentence
    assert sentence.endswith("; in a checkout, 'make setup-bench' installs it.")


def test_what_this_project_does_not_install_is_left_to_gymnasium_s_words(ddpg_ros, missing):
    missing("Box2D", "box2d")
    sentence = ddpg_ros("train", "--gym", "BipedalWalker-v3").sentence
    assert "Box2D is not installed" in sentence and "setup-bench" not in sentence
