"""A replay buffer that begins with recordings, and a training that has nothing else."""

from types import SimpleNamespace

import numpy as np
import pytest

from ddpg_ros.algo.learner import Learner
from ddpg_ros.config.run_directory import RECORDED
from ddpg_ros.recording.records_file import save_records
from ddpg_ros.worker.prefill import prefill
from test.worker.inline import LAYOUT, config_of

UPDATES = 10


@pytest.fixture
def offline(tmp_path):
    records = np.random.default_rng(0).uniform(-1.0, 1.0, (20, LAYOUT.width)).astype(np.float32)
    save_records(tmp_path / RECORDED, records, {})
    config = config_of(run__offline=True, run__recordings=["a.mcap"], run__steps=UPDATES)
    return SimpleNamespace(config=config, layout=LAYOUT, run_dir=tmp_path)


def learner_of(offline):
    return Learner(offline.config.learner, LAYOUT, seed=5)


def test_an_offline_training_makes_as_many_updates_as_run_steps_says(offline):
    learner = learner_of(offline)
    prefill(learner, offline)
    assert (learner.due, learner.steps, len(learner.replay)) == (UPDATES, 0, 20)


@pytest.mark.parametrize("restarts", [1, 2])
@pytest.mark.parametrize("done", [4, 7])
def test_an_offline_training_that_goes_on_makes_the_updates_that_are_left(offline, done, restarts):
    learner = learner_of(offline)
    prefill(learner, offline)
    for _ in range(restarts):
        learner.update(done // restarts)
        before, learner = learner, learner_of(offline)
        learner.restore(before.checkpoint())
        learner.replay.restore(before.replay.since(0), before.replay.total)
        prefill(learner, offline)
    assert learner.due == UPDATES - restarts * (done // restarts)


def test_an_offline_training_whose_learner_was_lost_makes_the_updates_that_are_left(offline):
    learner = learner_of(offline)
    prefill(learner, offline)
    learner.update(4)
    revived = learner_of(offline)
    revived.restore(learner.checkpoint())
    revived.replay.restore(learner.replay.since(0), learner.replay.total)
    revived.go_on_from(0)
    prefill(revived, offline)
    assert revived.due == UPDATES - 4
