"""`ddpg-ros report`: what it draws and what it says of it."""

import os
import shutil
import signal

import pytest

from ddpg_ros.cli import report as module
from ddpg_ros.cli.supervise import Outcome
from ddpg_ros.config.run_directory import Run

METRICS = "step,return,success,critic_loss,q_mean\n"


@pytest.fixture
def run_dir(arm_policy, monkeypatch):
    """A run of two episodes, in which no rollout is really run."""
    monkeypatch.setattr(module, "run_policy", lambda config, gif: gif.touch())
    folder = arm_policy.parent
    (folder / "metrics.csv").write_text(METRICS + "50,-3.0,0,0.2,-1.0\n100,-2.0,1,0.1,-0.9\n")
    return folder


def test_the_pictures_that_it_wrote_are_named(ddpg_ros, run_dir):
    ended = ddpg_ros("report", run_dir)
    assert (ended.code, ended.out.splitlines()) == (
        0,
        [
            "drawing the learning curve",
            "drawing a rollout of 6 greedy episodes in the simulator",
            f"look at {run_dir / 'learning_curve.png'}",
            f"look at {run_dir / 'rollout.gif'}",
        ],
    )
    assert (run_dir / "learning_curve.png").exists()


def test_without_a_policy_the_curve_alone_is_named(ddpg_ros, run_dir):
    (run_dir / "policy.safetensors").unlink()
    said = ddpg_ros("report", run_dir).out
    assert said.splitlines()[1:] == [f"look at {run_dir / 'learning_curve.png'}"]


def test_without_an_episode_and_a_policy_it_says_that_there_is_nothing(ddpg_ros, run_dir):
    (run_dir / "policy.safetensors").unlink()
    (run_dir / "metrics.csv").write_text(METRICS)
    assert "nothing to draw: no episode has ended" in ddpg_ros("report", run_dir).out
    assert not (run_dir / "learning_curve.png").exists()


def test_a_file_is_no_run_directory(ddpg_ros, run_dir):
    file = run_dir / "metrics.csv"
    sentence = ddpg_ros("report", file).sentence
    assert sentence == f"ddpg-ros: {file} is a file; expected the run directory of a training."


def test_a_directory_without_metrics_is_no_run_directory(ddpg_ros, run_dir):
    (run_dir / "metrics.csv").unlink()
    assert f"{run_dir} holds no metrics.csv" in ddpg_ros("report", run_dir).sentence
    shutil.rmtree(run_dir)
    assert f"{run_dir} holds no metrics.csv" in ddpg_ros("report", run_dir).sentence


@pytest.fixture
def signalled(monkeypatch, request):
    """Drawing takes long, and a signal comes."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.setattr(module, "_draw", lambda *_: os.kill(os.getpid(), request.param))
    yield request.param
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


BOTH = pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGTERM], indirect=True)


@BOTH
def test_a_signal_ends_the_drawing_with_a_sentence(ddpg_ros, run_dir, signalled):
    ended = ddpg_ros("report", run_dir)
    said = f"stopped by {signal.Signals(signalled).name}.\n"
    assert (ended.code, ended.out, ended.errors) == (128 + signalled, "", said)


@BOTH
def test_a_signal_while_a_training_draws_leaves_how_to_draw(
    ddpg_ros, run_dir, signalled, monkeypatch
):
    monkeypatch.chdir(run_dir)
    finished = Outcome("finished", 0)
    monkeypatch.setattr("ddpg_ros.cli.train.train_without_ros", lambda *_: finished)
    monkeypatch.setattr(
        "ddpg_ros.cli.train.prepare", lambda config, *_: Run(run_dir, run_dir / "c", config)
    )
    ended = ddpg_ros("train", "--gym", "Pendulum-v1")
    assert ended.code == 128 + signalled
    assert ended.out.splitlines()[-1].startswith("The training is done, and its policy in .. Dr")
    assert ended.out.endswith("ddpg-ros report .\n")
