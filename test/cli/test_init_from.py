"""`train --init-from`: what it refuses before anything is written, and what it leaves."""

import os

import pytest

pytest.importorskip("torch")

from ddpg_ros.cli.launched import in_launch_words
from ddpg_ros.config.run_directory import WARM_START
from ddpg_ros.control.policy import load_policy
from test.processes import Process

GYM = ("--gym", "Pendulum-v1", "--set", "learner.mode=eager", "--set", "learner.hidden=[8]")


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """The directory that the command is called in, which a refusal leaves empty."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    assert list(folder.iterdir()) == []


def test_a_path_that_is_not_there_is_refused(ddpg_ros, empty, tmp_path):
    sentence = ddpg_ros("train", *GYM, "--init-from", tmp_path / "none").sentence
    assert f"run.init_from is {tmp_path / 'none'}, which is not there" in sentence


@pytest.mark.parametrize("path", ["n" * 5000, "n" * 300], ids=["path", "name"])
def test_a_path_that_no_disk_takes_is_refused_in_a_short_sentence(ddpg_ros, empty, path):
    sentence = ddpg_ros("train", *GYM, "--init-from", path).sentence
    assert "which is not there" in sentence and len(sentence) < 500


def test_a_folder_that_is_no_run_is_refused(ddpg_ros, empty, tmp_path):
    sentence = ddpg_ros("train", *GYM, "--init-from", tmp_path).sentence
    assert "a folder without a config.yaml" in sentence


def test_a_run_that_goes_on_takes_no_other_beginning(ddpg_ros, empty, tmp_path):
    sentence = ddpg_ros("train", "--resume", tmp_path, "--init-from", tmp_path).sentence
    assert "--resume and --init-from exclude each other" in sentence


def test_a_policy_of_another_arm_is_refused(ddpg_ros, empty, arm_policy):
    sentence = ddpg_ros("train", *GYM, "--init-from", arm_policy).sentence
    assert "layer sizes [9, 64, 64, 2], and here it is [3, 8, 1]" in sentence


def test_an_arm_with_other_joints_is_refused(ddpg_ros, empty, arm_policy, ros_domain):
    pytest.importorskip("rclpy")
    apart = ("--namespace", f"apart_{os.getpid()}")
    sentence = ddpg_ros("train", *apart, "--config", "panda", "--init-from", arm_policy).sentence
    assert f"{arm_policy} has layer sizes [9, 64, 64, 2], and here it is " in sentence


def test_a_launch_names_its_own_argument():
    assert in_launch_words("leave --init-from out.") == "leave init_from:= out."


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_training_begins_with_a_run_and_says_what_it_took(ddpg_ros, tmp_path):
    sets = [
        *("--steps", "450", "--set", "learner.warmup_steps=50", "--set", "run.eval_episodes=1"),
        *("--set", "learner.batch_size=16"),
    ]

    def train(name, *words):
        run = tmp_path / name
        process = Process(
            tmp_path, "ddpg_ros.cli.main", "train", *GYM, *sets, "--run-dir", str(run), *words
        )
        assert process.exit(200.0) == 0, process.said
        return run, process.said

    earlier, _ = train("earlier")
    run, said = train("run", "--init-from", str(earlier))
    assert f"beginning with the networks of {earlier} at step 450, and its last 450" in said
    assert load_policy(run / "policy.safetensors").about.config["run.init_from"] == str(earlier)
    assert (run / WARM_START).exists()
    shown = " ".join(ddpg_ros("inspect", run).out.split())
    assert "began with the networks of" in shown and "450 transitions" in shown
