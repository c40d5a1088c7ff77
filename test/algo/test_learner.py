"""The learner: how many updates are due, and that a seed decides everything."""

import numpy as np
import pytest
import torch

from ddpg_ros.algo.learner import Learner
from ddpg_ros.config import LearnerSection
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout

LAYOUT = RecordLayout(observation_size=3, action_size=1)


def make_learner(seed=0, **settings):
    small = {"hidden": [8, 8], "batch_size": 16, "replay_capacity": 1000}
    return Learner(LearnerSection(**(small | settings)), LAYOUT, seed)


def experience(steps, seed=9):
    rng = np.random.default_rng(seed)
    records = rng.uniform(-1.0, 1.0, (steps, LAYOUT.width)).astype(np.float32)
    records[:, LAYOUT.slices[3]] = 0.0
    return records


def train(learner, updates=50):
    learner.add(experience(100))
    metrics = [learner.update() for _ in range(updates)]
    return learner.actor_weights().tobytes(), torch.tensor(metrics[-1]).numpy().tobytes()


@pytest.mark.parametrize(
    ("ratio", "after_10", "after_11", "after_13"),
    [(0.5, 0, 0, 1), (1.0, 0, 1, 3), (2.0, 0, 2, 6)],
)
def test_updates_are_due_by_the_ratio_after_the_warm_up(ratio, after_10, after_11, after_13):
    learner = make_learner(warmup_steps=10, update_to_data=ratio)
    assert learner.due == 0
    learner.add(experience(10))
    assert learner.due == after_10
    learner.add(experience(1))
    assert learner.due == after_11
    learner.add(experience(2))
    assert learner.due == after_13


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_paying_what_is_due_leaves_no_debt_and_no_credit(ratio):
    learner = make_learner(warmup_steps=4, update_to_data=ratio)
    for _ in range(24):
        learner.add(experience(1))
        while learner.due > 0:
            learner.update()
        assert learner.due == 0
    assert learner.updates == 20 * ratio


def test_the_same_seed_gives_the_same_bytes_after_50_updates():
    assert train(make_learner(seed=3)) == train(make_learner(seed=3))


def test_another_seed_gives_other_weights_before_and_after():
    one, other = make_learner(seed=3), make_learner(seed=4)
    assert one.actor_weights().tobytes() != other.actor_weights().tobytes()
    assert train(one)[0] != train(other)[0]


def test_an_update_moves_the_actor_and_act_answers_with_the_moved_one():
    learner = make_learner()
    before, observation = learner.actor_weights(), experience(5)[:, :3]
    first = learner.act(observation)
    train(learner)
    assert (learner.actor_weights() != before).any()
    assert (learner.act(observation) != first).any()
    assert np.abs(learner.act(observation)).max() <= 1.0


def test_cuda_where_there_is_none_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        MachineError, match=r"^learner\.device is cuda, .*set learner\.device: cpu"
    ):
        make_learner(device="cuda")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x"])
def test_a_device_that_torch_does_not_know_is_refused_in_one_sentence(device):
    with pytest.raises(MachineError, match=r"^learner\.device is '.*', .*; expected cpu, cuda or"):
        make_learner(device=device)


def test_a_cuda_device_beyond_those_here_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(MachineError, match=r"^learner\.device is cuda:2, .*at most cuda:1\.$"):
        make_learner(device="cuda:2")
