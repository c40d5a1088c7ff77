"""What a command line refuses before anything starts: one sentence, and nothing left behind."""

from ddpg_ros.cli.plan import load_arm_config


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
