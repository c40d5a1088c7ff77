"""Faults at the end of a run: 74 a full disk, 75 a learner that is lost for good."""

import errno
import functools
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))  # the spawned learners' own modules

import puppets

from ddpg_ros.control.policy import load_policy
from ddpg_ros.errors import LearnerDiedError
from ddpg_ros.files import sealed as sealed_file
from ddpg_ros.files.generations import newest_generation
from ddpg_ros.training import training_phase as training
from ddpg_ros.training.seeds import stream
from ddpg_ros.types import Episode, Transition
from ddpg_ros.worker.client import WorkerClient
from test.cli.conftest import ddpg_ros
from test.conftest import wait_until
from test.faults.test_gymnasium import SMALL
from test.worker.test_client import about, make_config, transitions

__all__ = ["ddpg_ros"]

LONG = 30.0  # [s]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Another disk."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    return place


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Begins a training whose learner does as a puppet does, in a run directory."""
    begun = []

    def train(target, **settings):
        learner = functools.partial(WorkerClient, target=target, back_off=(0.01,) * 5)
        monkeypatch.setattr(training, "WorkerClient", learner)
        config, run_dir = make_config(**settings), tmp_path / "run"
        run_dir.mkdir()
        begun.append(training.TrainingPhase(config, about(config), run_dir, stream(0, 1)))
        begun[-1].worker.wait_until_ready()
        return begun[-1], run_dir

    yield train
    for one in begun:
        one.worker.cancelled = True
        one.stop()


def learn(whole, count=30):
    for _, one in zip(range(count), transitions(), strict=False):
        observation, action, reward, _, following = one
        whole.actor.record(Transition(observation, action, reward, False, following))
    whole.actor.end_episode(Episode(1.0, count, True, False, {}))


@pytest.mark.slow
def test_fault_74_where_room_comes_in_time_policy_and_checkpoint_are_in_their_places(
    train, elsewhere
):
    whole, run_dir = train(puppets.has_no_room_in_its_directory)
    learn(whole)
    threading.Timer(1.0, (run_dir / "room").touch).start()
    assert whole.finish() is not None
    assert (whole.policy_path, whole.complaint) == (run_dir / "policy.safetensors", "")
    assert load_policy(whole.policy_path).about.steps == 30
    assert newest_generation(run_dir / "checkpoints", run_dir)[0].document["step"] == 30
    assert list(elsewhere.iterdir()) == []


@pytest.mark.slow
def test_fault_74_where_there_is_never_room_the_policy_is_elsewhere_and_that_is_said(
    train, elsewhere, capfd
):
    whole, run_dir = train(puppets.has_no_room_in_its_directory)
    learn(whole)
    whole.stop()  # in a hurry, as after a signal
    assert whole.policy_path.parent.parent == elsewhere
    assert load_policy(whole.policy_path).about.steps == 30
    assert whole.complaint.startswith(f"{run_dir}/policy.safetensors could not be written: it is ")
    assert not (run_dir / "policy.safetensors").exists()
    assert capfd.readouterr().err.count(str(whole.policy_path)) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_fault_74_results_that_find_no_room_are_elsewhere_and_the_end_says_where(
    ddpg_ros, elsewhere, tmp_path, monkeypatch
):
    run_dir, write = tmp_path / "run", sealed_file.write_whole

    def full(path, content):
        if run_dir in path.parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, content)

    monkeypatch.setattr("ddpg_ros.training.summary.write_whole", full)
    monkeypatch.setattr("ddpg_ros.cli.train.LAST_TRIES", 0.3)
    arguments = ("--steps", 40, "--run-dir", run_dir, *SMALL)
    ended = ddpg_ros("train", "--gym", "Pendulum-v1", *arguments)
    assert ended.code == 2
    (line,) = [line for line in ended.errors.splitlines() if line.startswith("ddpg-ros: ")]
    (summary,) = elsewhere.glob("*/summary.json")
    assert f"{run_dir}/summary.json could not be written (No space left on device)" in line
    assert f"it is {summary}. Make room" in line
    assert load_policy(run_dir / "policy.safetensors").about.steps == 40


@pytest.mark.slow
def test_fault_75_of_a_learner_that_is_lost_for_good_the_weights_it_gave_are_the_policy(
    train, caplog
):
    whole, run_dir = train(puppets.dies_when_revived, run__clock="realtime")
    learn(whole)
    os.kill(whole.worker.pid, 9)
    wait_until(lambda: whole.worker.health.state == "gone", LONG, "its sixth loss")
    with pytest.raises(LearnerDiedError, match="lost 6 times"):
        whole.worker.check()
    whole.stop()
    path = run_dir / "policy.safetensors"
    assert whole.policy_path == path
    policy = load_policy(path)  # its golden pairs prove it
    assert policy.about.steps == 30
    assert np.array_equal(policy.actor.weights, np.ones_like(policy.actor.weights))
    assert f"{path} holds the weights that it gave last" in caplog.text


@pytest.mark.slow
def test_fault_75_a_policy_that_the_learner_saved_is_not_written_over(train):
    whole, run_dir = train(puppets.dies_when_revived, run__clock="realtime")
    path = run_dir / "policy.safetensors"
    path.write_bytes(b"of the learner")
    os.kill(whole.worker.pid, 9)
    wait_until(lambda: whole.worker.health.state == "gone", LONG, "its sixth loss")
    whole.stop()
    assert path.read_bytes() == b"of the learner"
    assert whole.policy_path == path


def test_fault_75_a_learner_that_is_killed_in_lock_step_leaves_a_policy_too(train):
    whole, run_dir = train(puppets.obeys)
    whole.actor._synchronous = False  # this puppet tells of no progress
    learn(whole)
    os.kill(whole.worker.pid, 9)
    with pytest.raises(LearnerDiedError):
        whole.finish()
    assert load_policy(run_dir / "policy.safetensors").about.steps == 30
