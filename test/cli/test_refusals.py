"""What a command line refuses before anything starts: one sentence, and nothing left behind."""

import os
import sys
from pathlib import Path

import pytest

from ddpg_ros.cli.plan import load_arm_config
from ddpg_ros.cli.supervise import Outcome
from ddpg_ros.config.parameter_file import own_configs
from ddpg_ros.config.run_directory import Run, prepare_run
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.errors import nearest

OURS = sorted(own_configs())


def test_an_arm_is_not_trained_with_the_settings_for_gymnasium(ddpg_ros, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    sentence = ddpg_ros("train", "--config", "gym").sentence
    assert sentence == (
        "ddpg-ros: the configuration 'gym' is for ddpg-ros train --gym ENV_ID; for an arm take "
        f"one of {', '.join(name for name in OURS if name != 'gym')}, or a file of yours."
    )
    assert list(tmp_path.iterdir()) == []


def test_help_lists_the_configurations_that_are_there(ddpg_ros, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    said = ddpg_ros("train", "--help").out
    assert f"one of ours: {', '.join(OURS)}; default: reach, with --gym: gym." in said
    assert {"gym", "joints", "reach", "track"} <= set(OURS)
    assert load_arm_config("reach").task.name == "reach"
    assert load_arm_config("swing_up").task.name == "swing_up"


@pytest.mark.parametrize("name", to_parameters(Config()))
def test_a_setting_without_its_section_is_recognised(name):
    known = to_parameters(Config())
    without = name.partition(".")[2]
    alike = [repr(other) for other in known if other.partition(".")[2] == without]
    assert nearest(without, known) == f"; did you mean {' or '.join(alike)}?"


def test_a_setting_of_two_sections_is_recognised_as_either():
    known = ["robot.gravity", "sim.gravity", "sim.gui"]
    assert nearest("gravity", known) == "; did you mean 'robot.gravity' or 'sim.gravity'?"


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


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize(
    "words",
    [
        ("inspect",),
        ("eval", "--policy"),
        ("play", "--policy"),
        ("train", "--config"),
        ("train", "--set", "robot.urdf={}"),
    ],
    ids=" ".join,
)
def test_a_pipe_or_a_device_for_a_file_is_refused_and_not_waited_for(ddpg_ros, pipe, words):
    for path in (str(pipe), "/dev/zero"):
        placed = [word.format(path) for word in words]
        given = placed if placed != list(words) else [*words, path]
        sentence = ddpg_ros(*given).sentence
        assert "a pipe or a device" in sentence or f"no URDF '{path}'" in sentence


@pytest.mark.parametrize(
    "words", [("inspect",), ("train", "--config"), ("train", "--set", "robot.urdf={}")]
)
@pytest.mark.parametrize("name", ["x" * 5000, "'a\\0b'"], ids=["long", "zero"])
def test_a_name_that_no_file_can_have_is_refused(ddpg_ros, words, name):
    placed = [word.format(name) for word in words]
    sentence = ddpg_ros(*(placed if placed != list(words) else [*words, name])).sentence
    assert len(sentence) < 600


def test_a_training_that_is_given_a_policy_is_told_what_runs_one(ddpg_ros, arm_policy, tmp_path):
    run_dir = tmp_path / "other"
    ended = ddpg_ros("train", "--set", f"run.policy={arm_policy}", "--run-dir", run_dir)
    assert "a policy to run without learning" in ended.sentence
    assert not run_dir.exists()


@pytest.mark.parametrize("name", ["self", "run__steps", "settings", "0", "run.steps.x", ""])
def test_a_setting_that_there_is_not_is_refused_whatever_its_name(ddpg_ros, name):
    assert f"there is no setting '{name}'" in ddpg_ros("train", "--set", f"{name}=1").sentence


def test_a_setting_that_is_given_twice_is_refused_with_both(ddpg_ros):
    sentence = ddpg_ros("train", "--steps", 5, "--set", "run.steps=6").sentence
    assert sentence.endswith("--steps gives run.steps as 5 and --set as 6; leave one out.")


WRONG = ("[1, [2]]", "[{a: 1}]", "x", "-1", "1e300", "'\\x01'", "[]", "yes")


@pytest.mark.parametrize("name", to_parameters(Config()))
def test_no_value_of_any_setting_brings_a_traceback(ddpg_ros, monkeypatch, name):
    began = Outcome("failed", 2, "began")
    monkeypatch.setattr("ddpg_ros.cli.train.train_over_topics", lambda *_: began)
    monkeypatch.setattr(
        "ddpg_ros.cli.prepare.prepare_run", lambda c, *_, **__: Run(Path(), Path(), c)
    )
    for value in WRONG:
        ended = ddpg_ros("train", "--set", f"{name}={value}")
        assert ended.code == 2
        assert ended.out or len(ended.errors.splitlines()) == 1, ended  # begun, or refused


def test_a_path_at_which_there_is_nothing_to_inspect_is_no_policy(ddpg_ros, tmp_path):
    for path in (tmp_path / "none", tmp_path / "checkpoints" / "generation-000001"):
        expected = "expected a policy file, a run directory, a checkpoint of one or a recording."
        assert ddpg_ros("inspect", path).sentence == f"ddpg-ros: there is no {path}; {expected}"
    assert "holds nothing to inspect" in ddpg_ros("inspect", tmp_path).sentence


@pytest.mark.parametrize("name", ["~nobody-is-called-this/run", "a" * 300])
@pytest.mark.parametrize(
    "words",
    [
        ("train", "--config"),
        ("train", "--gym", "Pendulum-v1", "--resume"),
        ("train", "--gym", "Pendulum-v1", "--init-from"),
        ("train", "--from-bag"),
        ("robot",),
        ("inspect",),
        ("report",),
        ("eval", "--policy"),
        ("play", "--policy"),
    ],
    ids=" ".join,
)
def test_a_home_of_nobody_and_a_name_that_is_too_long_are_named(
    ddpg_ros, monkeypatch, tmp_path, words, name
):
    monkeypatch.chdir(tmp_path)
    assert name[:60] in ddpg_ros(*words, name).sentence
    assert list(tmp_path.iterdir()) == []


def test_a_run_directory_whose_name_is_too_long_is_refused(ddpg_ros, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    said = ddpg_ros("train", "--gym", "Pendulum-v1", "--run-dir", "a" * 300).sentence
    assert "cannot be made or written (File name too long); give another one" in said
    assert list(tmp_path.iterdir()) == []


def test_the_home_of_nobody_is_a_folder_of_this_name_as_in_a_shell(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run = prepare_run(Config(), Path("~nobody-is-called-this/run"))
    assert run.directory == tmp_path / "~nobody-is-called-this" / "run"
