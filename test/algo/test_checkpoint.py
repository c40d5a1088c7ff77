"""The checkpoint: what comes back is what was saved, to the bit, or a refusal in one sentence."""

import json
import re

import numpy as np
import pytest

from ddpg_ros.algo import checkpoint as module
from ddpg_ros.algo.checkpoint import Counters, checkpoint_bytes, load_checkpoint
from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.networks_in_file import LEARNER
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.control.policy import load_policy
from ddpg_ros.errors import CheckpointError, PolicyFileError
from ddpg_ros.files.sealed import write_sealed
from ddpg_ros.types import RecordLayout

LAYOUT = RecordLayout(observation_size=3, action_size=1)
SETTINGS = LearnerSection(
    hidden=[8],
    batch_size=16,
    replay_capacity=1000,
    mode="eager",
    warmup_steps=0,
    critics=2,
    normalise_observations=True,
)


def experience(steps, seed=9):
    rng = np.random.default_rng(seed)
    records = rng.uniform(-3.0, 5.0, (steps, LAYOUT.width)).astype(np.float32)
    records[:, LAYOUT.slices[3]] = 0.98
    return records


def trained(settings=SETTINGS, layout=LAYOUT, seed=1):
    learner = Learner(settings, layout, seed)
    if layout == LAYOUT:
        learner.add(experience(50))
        learner.update(20)
    return learner


def fresh(seed=2):
    return Learner(SETTINGS, LAYOUT, seed)


def save(folder, learner):
    path = folder / LEARNER
    path.write_bytes(checkpoint_bytes(learner.checkpoint(), SETTINGS, LAYOUT))
    return path


def load(path, learner=None, settings=SETTINGS, layout=LAYOUT):
    like = (learner or Learner(settings, layout, 0)).checkpoint()
    return load_checkpoint(path, like, settings, layout)


def refusal(path, **like):
    with pytest.raises(CheckpointError) as caught:
        load(path, **like)
    sentence = str(caught.value)
    assert sentence.startswith(f"the checkpoint {path}")
    assert sentence.endswith(".")
    return sentence


def bits(checkpoint):
    """Everything in a checkpoint, as bytes and numbers."""
    arrays = module.to_arrays(checkpoint)
    content = {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}
    return content, module.to_document(checkpoint)


@pytest.fixture(scope="module")
def learner():
    return trained()


@pytest.fixture
def path(tmp_path, learner):
    return save(tmp_path, learner)


def test_what_comes_back_is_what_was_saved_to_the_bit(path, learner):
    saved, loaded = learner.checkpoint(), load(path)
    assert bits(loaded) == bits(saved)
    assert loaded.statistics.seen == 50
    assert loaded.counters == Counters(steps=50, updates=20)
    assert loaded.rewards[0] < -1.0 and loaded.rewards[1] > 1.0
    assert all(array.any() for array in module.to_arrays(loaded).values())


def test_whoever_takes_it_for_a_policy_is_told_where_the_policy_is(path):
    with pytest.raises(PolicyFileError) as caught:
        load_policy(path)
    assert str(caught.value) == (
        f"the policy {path} is a checkpoint; expected a policy; take the policy.safetensors of a "
        "run directory, or train again."
    )


def test_a_learner_that_takes_it_back_goes_on_as_the_one_that_gave_it(path, learner):
    restored = fresh()
    assert restored.actor_weights().tobytes() != learner.actor_weights().tobytes()
    restored.restore(load(path))
    assert restored.actor_weights().tobytes() == learner.actor_weights().tobytes()
    assert bits(restored.checkpoint()) == bits(learner.checkpoint())
    one, other = trained(), fresh()
    other.restore(one.checkpoint())
    other.replay.restore(one.replay.since(0), one.replay.total)
    assert one.update(5).rows.tobytes() == other.update(5).rows.tobytes()
    assert one.actor_weights().tobytes() == other.actor_weights().tobytes()


def test_a_checkpoint_does_not_change_as_its_learner_goes_on():
    learner = trained()
    kept = learner.checkpoint()
    before = bits(kept)
    learner.add(experience(30, seed=3))
    learner.update(10)
    assert bits(kept) == before
    other = fresh()
    other.restore(kept)
    other.add(experience(30, seed=3))
    other.update(10)
    assert bits(kept) == before


def test_going_on_waits_for_a_minibatch_and_carries_no_debt(path):
    learner = fresh()
    learner.restore(load(path))
    learner.go_on_from(5000)
    assert (learner.due, learner.steps, learner.updates) == (0, 5000, 20)
    learner.add(experience(16))
    assert learner.due == 0
    learner.add(experience(4))
    assert learner.due == 4
    learner.update(4)
    assert (learner.due, learner.updates) == (0, 24)


def test_going_on_with_a_replay_buffer_waits_for_nothing_and_carries_no_debt(path):
    learner, before = fresh(), trained()
    learner.restore(load(path))
    learner.replay.restore(before.replay.since(0), before.replay.total)
    learner.go_on_from(5000)
    learner.add(experience(4))
    assert learner.due == 4


def test_going_on_within_the_warm_up_waits_for_its_end():
    learner = Learner(SETTINGS.model_copy(update={"warmup_steps": 100}), LAYOUT, 0)
    learner.go_on_from(50)
    learner.add(experience(50))
    assert learner.due == 0
    learner.add(experience(2))
    assert learner.due == 2


def test_fault_28_a_file_cut_at_any_length_is_refused(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert "is not a whole checkpoint" in refusal(path)


@pytest.mark.slow
def test_fault_29_a_flipped_bit_is_refused_wherever_it_is(path, learner):
    whole = path.read_bytes()
    like = learner.checkpoint()
    for place in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError):
            load_checkpoint(path, like, SETTINGS, LAYOUT)


def test_a_file_that_is_too_large_is_refused_unread(path):
    with path.open("r+b") as file:
        file.truncate(2**40)
    assert re.search(r"has \d+ bytes; a checkpoint has at most \d+\.$", refusal(path))


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "none")
    refusal(tmp_path)


def test_one_of_other_networks_is_refused_with_both(path):
    other = SETTINGS.model_copy(update={"hidden": [9]})
    assert re.search(r"'hidden': \[8\].*; this learner has .*\[9\]", refusal(path, settings=other))
    assert "'observation': 3" in refusal(path, layout=RecordLayout(4, 1))


def rewrite(path, learner, arrays=None, **document):
    """Write a checkpoint that is honestly sealed, with other content."""
    honest = json.loads(header(path)["__metadata__"]["checkpoint"])
    del honest["sha256"]
    tensors = module.to_arrays(learner.checkpoint()) | (arrays or {})
    write_sealed(path, "checkpoint", honest | document, tensors)


def header(path):
    data = path.read_bytes()
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def test_fault_32_a_newer_one_is_refused_with_its_version(path, learner):
    rewrite(path, learner, schema_version=5)
    assert "has schema version 5; this package reads 4" in refusal(path)


def test_fault_27_arrays_of_another_shape_or_not_finite_are_refused_by_name(path, learner):
    rewrite(path, learner, {"actor": np.zeros(3, dtype=np.float32)})
    assert "actor is float32 (3,); expected finite float32" in refusal(path)
    nan = learner.checkpoint().state.critics.numpy().copy()
    nan[0, 0] = np.nan
    rewrite(path, learner, {"critics": nan})
    assert "critics is float32" in refusal(path)
    rewrite(path, learner, {"more": nan})
    assert "holds the arrays" in refusal(path)


def test_a_counter_that_is_none_is_refused(path, learner):
    rewrite(path, learner, skips_in_a_row="many")
    assert "lacks a counter" in refusal(path)
