"""The policy file: whole and proven, or refused with a sentence; never anything else."""

import json
import os
import pickle
import re
import struct
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.control.policy import (
    GOLDEN_PAIRS,
    SCHEMA_VERSION,
    SIZE_LIMIT,
    PolicyAbout,
    load_policy,
    save_policy,
)
from ddpg_ros.errors import PolicyFileError
from ddpg_ros.files.sealed import seal

SIZES = [3, 5, 2]
ABOUT = PolicyAbout(
    sizes=SIZES,
    joints=["shoulder", "elbow"],
    torque_limit=[5.0, 2.5],
    control_period=0.04,
    task="reach",
    urdf_sha256="ab" * 32,
    seed=7,
    steps=1000,
    updates=900,
    package_version="0.1.0",
    config={"run.seed": 7, "learner.hidden": [5], "robot.urdf": "reacher2", "run.sync": True},
)


def contents(seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    weights = scale * rng.standard_normal(weight_count(SIZES)).astype(np.float32)
    observations = rng.uniform(-1.0, 1.0, (GOLDEN_PAIRS, SIZES[0])).astype(np.float32)
    actor = MlpActor(SIZES, weights)
    return weights, observations, np.stack([actor(row) for row in observations])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "policy.safetensors"
    save_policy(path, ABOUT, *contents())
    return path


def header_of(data):
    (size,) = struct.unpack("<Q", data[:8])
    return size, json.loads(data[8 : 8 + size])


def rewrite(path, tensors=None, **metadata):
    """Write the file anew, and honestly sealed, with other tensors or other metadata."""
    document = asdict(ABOUT) | metadata
    arrays = load_tensors(path.read_bytes()) | (tensors or {})
    arrays = {name: array for name, array in arrays.items() if array is not None}
    document["sha256"] = seal(document, arrays)
    path.write_bytes(save_tensors(arrays, metadata={"policy": json.dumps(document)}))


def refusal(path):
    """Load, and return the one sentence with which the file is refused."""
    with pytest.raises(PolicyFileError) as caught:
        load_policy(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_what_is_saved_comes_back(path):
    policy = load_policy(path)
    assert policy.about == ABOUT
    assert policy.actor.sizes == tuple(SIZES)
    assert policy.actor.weights.tobytes() == contents()[0].tobytes()


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    again = tmp_path / "again.safetensors"
    save_policy(again, ABOUT, *contents())
    assert again.read_bytes() == path.read_bytes()


def test_saving_leaves_nothing_else_and_replaces_the_old_one(path):
    save_policy(path, replace(ABOUT, steps=2000), *contents(seed=1))
    assert load_policy(path).about.steps == 2000
    assert os.listdir(path.parent) == [path.name]


def test_fault_28_a_file_cut_short_anywhere_is_refused(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 97), *range(0, 12), len(whole) - 1]:
        path.write_bytes(whole[:length])
        refusal(path)


def test_a_file_with_something_after_its_end_is_refused(path):
    path.write_bytes(path.read_bytes() + b"\0")
    refusal(path)


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_fault_29_a_flipped_bit_is_refused_or_changes_nothing(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    save_policy(path, ABOUT, *contents())
    damaged = bytearray(path.read_bytes())
    size, _ = header_of(damaged)
    part = data.draw(st.sampled_from([(0, 8), (8, 8 + size), (8 + size, len(damaged))]))
    byte = data.draw(st.integers(part[0], part[1] - 1))
    damaged[byte] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(damaged)
    try:
        policy = load_policy(path)
    except PolicyFileError:
        return
    assert policy.about == ABOUT
    assert policy.actor.weights.tobytes() == contents()[0].tobytes()


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "noise.safetensors"
    path.write_bytes(content)
    refusal(path)
    path.write_bytes(struct.pack("<Q", len(content)) + content)
    refusal(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["weights", "golden_observations", "golden_actions"])
def test_fault_27_a_number_that_is_not_finite_is_refused(path, name, bad):
    array = load_tensors(path.read_bytes())[name].copy()
    array.flat[3] = bad
    rewrite(path, {name: array})
    assert f"{name} is float32" in refusal(path)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("weights", (31,)),
        ("weights", (33,)),
        ("weights", (32, 1)),
        ("weights", ()),
        ("golden_observations", (16, 4)),
        ("golden_observations", (15, 3)),
        ("golden_actions", (0, 2)),
        ("golden_actions", (16,)),
    ],
)
def test_a_tensor_of_another_shape_is_refused(path, name, shape):
    rewrite(path, {name: np.zeros(shape, dtype=np.float32)})
    message = refusal(path)
    assert f"{name} is float32 {shape}; expected finite float32" in message


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.bool_])
def test_weights_of_another_type_are_refused(path, dtype):
    rewrite(path, {"weights": contents()[0].astype(dtype)})
    assert f"weights is {np.dtype(dtype)}" in refusal(path)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "F16", "U8", "nonsense"])
def test_a_header_that_names_another_type_is_refused(path, dtype):
    data = path.read_bytes()
    size, header = header_of(data)
    width = {"BF16": 2, "F16": 2}.get(dtype, 1)
    header["weights"]["dtype"] = dtype
    header["weights"]["shape"] = [32 * 4 // width]
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])
    refusal(path)


def test_a_tensor_too_few_or_too_many_is_refused(path):
    rewrite(path, {"extra": np.zeros(1, dtype=np.float32)})
    assert "extra" in refusal(path)
    rewrite(path, {"extra": None, "weights": None})
    assert "a policy holds" in refusal(path)


def test_an_actor_that_answers_wrongly_on_its_golden_pairs_is_refused(path):
    actions = contents()[2]
    actions[5, 1] += 2e-3
    rewrite(path, {"golden_actions": actions})
    assert "off by 0.002 on its own golden pairs" in refusal(path)


def test_an_actor_whose_weights_have_grown_is_not_refused_for_its_rounding(tmp_path):
    _, observations, _ = contents()
    hidden, last = np.zeros((5, 3), np.float32), np.zeros((2, 5), np.float32)
    hidden[:2, 0], last[0, :2] = (1000.0, 999.9), (1.0, -1.0)  # 0.1 of the first observation
    weights = np.concatenate([hidden.ravel(), np.zeros(5), last.ravel(), np.zeros(2)])
    exactly = np.maximum(observations.astype(np.float64) @ hidden.T, 0.0) @ last.T
    golden = np.tanh(exactly).astype(np.float32)
    path = tmp_path / "policy.safetensors"
    save_policy(path, ABOUT, weights.astype(np.float32), observations, golden)
    actor = load_policy(path).actor
    answers = np.stack([actor(observation) for observation in observations])
    assert 1e-5 < np.abs(answers - golden).max() < 1e-4


def test_an_actor_that_answers_with_no_number_at_all_is_refused(path):
    weights = np.full(weight_count(SIZES), np.finfo(np.float32).max)
    weights[5:15:2] *= -1.0  # inf − inf inside
    weights[-12:-2:2] *= -1.0
    rewrite(path, {"weights": weights})
    assert "golden pairs" in refusal(path)


def test_fault_32_a_newer_schema_is_refused_with_the_cure(path):
    rewrite(path, schema_version=SCHEMA_VERSION + 1)
    message = refusal(path)
    assert f"schema version {SCHEMA_VERSION + 1}; " in message
    assert f"this package reads up to {SCHEMA_VERSION}: update ddpg_ros" in message


def test_a_newer_schema_is_named_before_the_keys_that_it_brings(path):
    rewrite(path, schema_version=SCHEMA_VERSION + 1, colour="blue")
    assert f"schema version {SCHEMA_VERSION + 1}" in refusal(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {"colour": "blue"},
        {"schema_version": "one"},
        {"schema_version": None},
        {"schema_version": float("inf")},
        {"schema_version": 0},
        {"schema_version": -1},
        {"sizes": []},
        {"sizes": [3]},
        {"sizes": None},
        {"sizes": "352"},
        {"sizes": [3.0, 5.0, 2.0]},
        {"sizes": [3, -5, 2]},
        {"sizes": [3, 0, 2]},
        {"sizes": [3, float("inf"), 2]},
        {"sizes": [3, float("nan"), 2]},
        {"sizes": [3, [5], 2]},
        {"sizes": [10**30, 10**30]},
        {"joints": "shoulder"},
        {"joints": [1, 2]},
        {"torque_limit": ["5", "2"]},
        {"torque_limit": [float("nan"), 1.0]},
        {"torque_limit": 5.0},
        {"control_period": "fast"},
        {"control_period": float("inf")},
        {"task": 3},
        {"seed": "7"},
        {"steps": None},
        {"config": []},
        {"config": {"run.seed": {"deep": 1}}},
    ],
)
def test_metadata_that_says_nonsense_is_refused(path, metadata):
    rewrite(path, **metadata)
    refusal(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}", '"x"', "[" * 100_000])
def test_metadata_that_is_no_document_is_refused(path, text):
    path.write_bytes(save_tensors(load_tensors(path.read_bytes()), metadata={"policy": text}))
    assert "has no policy in its metadata" in refusal(path)


def test_a_file_of_tensors_without_metadata_is_refused(path):
    path.write_bytes(save_tensors(load_tensors(path.read_bytes())))
    assert "has no policy in its metadata" in refusal(path)


def test_a_changed_word_in_the_metadata_is_noticed(path):
    path.write_bytes(path.read_bytes().replace(b"shoulder", b"shouldxr"))
    assert "checksum" in refusal(path)


class Trap:
    """Leaves a file behind where somebody unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_fault_30_a_pickle_in_disguise_is_refused_and_never_run(tmp_path, protocol):
    path, sprung = tmp_path / "policy.safetensors", tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Trap(sprung), protocol))
    assert not sprung.exists()
    refusal(path)
    assert not sprung.exists()
    pickle.loads(path.read_bytes()).close()
    assert sprung.exists()  # the trap was a trap


def test_a_missing_file_is_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "none.safetensors")


def test_a_directory_is_refused(tmp_path):
    refusal(tmp_path)


def test_fault_31_a_file_beyond_the_size_limit_is_refused_unread(path):
    with path.open("r+b") as file:
        file.truncate(SIZE_LIMIT + 1)  # sparse: no disk is used
    assert re.search(r"has \d+ bytes; a policy has at most", refusal(path))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**31 - 1), scale=st.floats(1e-3, 100.0))
def test_every_actor_comes_back_bit_by_bit(tmp_path_factory, seed, scale):
    path = tmp_path_factory.getbasetemp() / "round.safetensors"
    weights, observations, actions = contents(seed, scale)
    save_policy(path, replace(ABOUT, seed=seed), weights, observations, actions)
    policy = load_policy(path)
    assert policy.about.seed == seed
    assert policy.actor.weights.tobytes() == weights.tobytes()


@pytest.mark.parametrize(
    ("observation", "said"),
    [
        ([0.0, 0.0, float("nan")], "expected finite numbers"),
        ([0.0, 0.0, 1e300], "the observation .*inf.*; expected finite numbers"),  # not in float32
        ([0.0, 1j], "no array of real numbers"),
        (["0", "1"], "no array of real numbers"),
        ([[0.0], [1.0, 2.0]], "no array of real numbers"),
        ([0.0, 0.0], r"of shape \(2,\) for a policy of reach, which takes \(3,\)"),
    ],
)
def test_an_observation_that_a_policy_cannot_answer_is_refused(path, observation, said):
    with pytest.raises(PolicyFileError, match=said):
        load_policy(path)(observation)


@pytest.mark.parametrize("content", [b"GIF89a" + bytes(99), b"/**:\n  ros__parameters: {}\n"])
def test_a_file_of_another_kind_is_called_that(path, content):
    path.write_bytes(content)
    assert "is a file of another kind; expected a policy" in refusal(path)
