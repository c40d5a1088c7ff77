"""What a command line refuses before anything starts: one sentence, and nothing left behind."""

import pytest

from ddpg_ros.cli.plan import load_arm_config
from ddpg_ros.config import Config, to_parameters
from ddpg_ros.errors import nearest


def test_an_arm_is_not_trained_with_the_settings_for_gymnasium(ddpg_ros, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    sentence = ddpg_ros("train", "--config", "gym").sentence
    assert sentence == (
        "ddpg-ros: the configuration 'gym' is for ddpg-ros train --gym ENV_ID; for an arm take "
        "reach or swing_up."
    )
    assert list(tmp_path.iterdir()) == []


def test_help_lists_the_configurations_that_are_there(ddpg_ros, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    said = ddpg_ros("train", "--help").out
    assert "one of ours: reach (default), swing_up; with --gym: gym." in said
    assert load_arm_config("reach").task.name == "reach"
    assert load_arm_config("swing_up").task.name == "swing_up"


@pytest.mark.parametrize("name", to_parameters(Config()))
def test_a_setting_without_its_section_is_recognised(name):
    without = name.partition(".")[2]
    assert nearest(without, to_parameters(Config())) == f"; did you mean '{name}'?"


def test_a_setting_without_its_section_is_refused_with_its_whole_name(ddpg_ros):
    sentence = ddpg_ros("train", "--set", "n_step=3").sentence
    assert sentence.endswith("there is no setting 'n_step'; did you mean 'learner.n_step'?")
