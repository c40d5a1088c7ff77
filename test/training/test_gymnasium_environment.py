"""Training on a Gymnasium environment from the command line, end to end."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from ddpg_ros.control.policy import load_policy
from test.cli.conftest import ddpg_ros

__all__ = ["ddpg_ros"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

MAIN = [sys.executable, "-m", "ddpg_ros.cli.main"]
STEPS = 800  # four episodes of 200; the warm-up is 500
PATIENCE = 200.0  # [s] for what takes 8 s where nothing else runs
TRAIN = ["train", "--gym", "Pendulum-v1", "--eval-episodes", "2", "--json"]


def train(run_dir, *more):
    words = [*MAIN, *TRAIN, "--steps", STEPS, "--run-dir", run_dir, *more]
    result = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert result.returncode == 0, result.stderr
    return run_dir, json.loads(result.stdout)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("gym") / "run", "--seed", 3)


@pytest.fixture(scope="module")
def policy(run):
    return run[0] / "policy.safetensors"


def test_a_training_leaves_every_file(run):
    assert {path.name for path in run[0].iterdir()} == {
        "config.yaml",
        "metrics.csv",
        "evaluation.csv",
        "learning_curve.png",
        "policy.safetensors",
        "checkpoints",
        "summary.json",
        "status.json",
        "tensorboard",
    }


def test_the_printed_summary_is_the_written_one_and_adds_up(run):
    run_dir, summary = run
    assert summary == json.loads((run_dir / "summary.json").read_text(encoding="utf-8"))
    assert (summary["algorithm"], summary["seed"], summary["interrupted"]) == ("DDPG", 3, False)
    assert (summary["steps"], summary["episodes"], summary["eval_episodes"]) == (STEPS, 4, 2)
    assert summary["updates"] == STEPS - 500
    assert summary["dropped_transitions"] == 0
    assert summary["policy"] == str(run_dir / "policy.safetensors")
    with (run_dir / "evaluation.csv").open(encoding="utf-8") as file:
        returns = [float(row["return"]) for row in csv.DictReader(file)]
    assert len(returns) == 2
    assert summary["mean_return"] == pytest.approx(sum(returns) / 2)


def test_every_episode_has_its_row(run):
    with (run[0] / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["200", "400", "600", "800"]
    assert [row["updates"] for row in rows] == ["0", "0", "100", "300"]
    assert {row["terminated"] for row in rows} == {"0"}  # a time limit is no termination


def test_the_same_seed_gives_the_same_bytes(run, tmp_path):
    again, _ = train(tmp_path / "again", "--seed", 3)
    for name in ("metrics.csv", "policy.safetensors", "evaluation.csv"):
        assert (again / name).read_bytes() == (run[0] / name).read_bytes(), name


def test_the_policy_can_be_evaluated_and_does_what_it_did_after_the_training(
    ddpg_ros, run, policy
):
    summary = json.loads(ddpg_ros("eval", "--policy", policy, "--episodes", 2, "--json").out)
    assert summary["eval_episodes"] == 2
    assert summary["mean_return"] == run[1]["mean_return"]


def test_inspect_tells_what_a_policy_holds(ddpg_ros, policy):
    about = json.loads(ddpg_ros("inspect", policy, "--json").out)
    assert about["task"] == "Pendulum-v1"
    assert about["sizes"] == [3, 64, 64, 1]
    assert (about["seed"], about["steps"], about["updates"]) == (3, STEPS, STEPS - 500)
    assert about["config"]["learner.batch_size"] == 128
    assert "Pendulum-v1" in ddpg_ros("inspect", policy).out  # and for people


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_to_the_whole_group_leaves_a_summary_and_a_policy(tmp_path, number):
    run_dir = tmp_path / "run"
    command = [*MAIN, *TRAIN, "--steps", "1000000", "--run-dir", str(run_dir)]
    command += ["--set", "learner.mode=eager"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        metrics, deadline = run_dir / "metrics.csv", time.monotonic() + 60.0
        while time.monotonic() < deadline and not (
            metrics.exists() and metrics.read_text(encoding="utf-8").count("\n") > 2
        ):
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, number)  # to the learner as well
        began = time.monotonic()
        _, errors = process.communicate(timeout=100)
        took = time.monotonic() - began
    finally:
        process.kill()
    assert took < 15.0  # 3 s where nothing else runs: test_train_cli.py
    assert "Traceback" not in errors
    assert process.returncode == 128 + number
    summary = json.loads((run_dir / "summary.json").read_text(encoding="utf-8"))
    assert summary["interrupted"] is True
    assert 400 <= summary["steps"] < 1_000_000
    about = load_policy(run_dir / "policy.safetensors").about
    assert about.updates == summary["updates"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Pendulun-v1", "did you mean 'Pendulum-v1'?"),
        ("no such thing", "Gymnasium cannot make 'no such thing'"),
        ("nosuchmodule:Thing-v0", "Gymnasium cannot make 'nosuchmodule:Thing-v0'"),
        ("CartPole-v1", "CartPole-v1 takes actions Discrete(2); DDPG needs a bounded flat Box."),
    ],
)
def test_an_environment_that_cannot_be_learnt_is_refused_in_one_sentence(
    ddpg_ros, tmp_path, name, said
):
    run_dir = tmp_path / "run"
    assert said in ddpg_ros("train", "--gym", name, "--run-dir", run_dir).sentence
    assert not run_dir.exists()


@pytest.mark.parametrize("verb", [("eval", "--policy"), ("inspect",)])
def test_a_policy_that_was_cut_short_is_refused_in_one_sentence(ddpg_ros, tmp_path, policy, verb):
    short = tmp_path / "short.safetensors"
    short.write_bytes(policy.read_bytes()[:-100])
    assert "is not a whole policy file" in ddpg_ros(*verb, short).sentence


def test_a_run_directory_in_use_is_refused_and_left_alone(ddpg_ros, run):
    before = sorted(path.name for path in run[0].iterdir())
    assert "is not empty" in ddpg_ros(*TRAIN, "--steps", 10, "--run-dir", run[0]).sentence
    assert sorted(path.name for path in run[0].iterdir()) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("learner.n_step", "expected NAME=VALUE, such as learner.n_step=3"),
        ("learner.n_step=", "expected NAME=VALUE"),
        ("learner.nstep=3", "there is no setting 'learner.nstep'; did you mean 'learner.n_step'?"),
        ("learner.n_step=0", "learner.n_step is 0"),
        ("learner.critics=3", "learner.critics is 3"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_sentence(ddpg_ros, tmp_path, change, said):
    ended = ddpg_ros(*TRAIN, "--set", change, "--run-dir", tmp_path / "run")
    assert said in ended.sentence


def test_settings_are_set_one_by_one_and_every_option_trains_to_a_policy(tmp_path):
    options = {
        "n_step": 3,
        "critics": 2,
        "policy_delay": 2,
        "target_noise": 0.2,
        "actor_layer_norm": "true",
        "critic_layer_norm": "true",
        "normalise_observations": "true",
        "action_penalty": 0.01,
        "preactivation_penalty": 0.01,
        "wide_final_layer": "true",
        "averaged_policy": "true",
        "clip_target": "true",
        "update_to_data": 2,
        "reset_every": 250,  # the last one 100 updates before the end
    }
    changes = [part for name, v in options.items() for part in ("--set", f"learner.{name}={v}")]
    run_dir, summary = train(tmp_path / "run", *changes)
    config = summary["config"]
    assert (config["learner.n_step"], config["learner.actor_layer_norm"]) == (3, True)
    policy = load_policy(run_dir / "policy.safetensors")  # its golden pairs prove the folding
    assert policy.about.layer_norm
    # of each episode all steps are handed over at its end, whatever n is
    assert policy.about.steps == STEPS
    assert policy.about.updates == 2 * (STEPS - 500)
