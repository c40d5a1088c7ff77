"""A policy as ONNX: run by onnxruntime, beside the policy itself."""

import json
from dataclasses import replace

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from ddpg_ros.control import onnx_export
from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.control.onnx_export import export_onnx
from ddpg_ros.control.policy import GOLDEN_PAIRS, PolicyAbout, load_policy, save_policy
from ddpg_ros.errors import PolicyFileError

ABOUT = PolicyAbout(
    sizes=[3, 8, 5, 2],
    joints=["shoulder", "elbow"],
    torque_limit=[2.0, 1.0],
    control_period=0.04,
    task="reach",
    urdf_sha256="",
    seed=0,
    steps=10,
    updates=9,
    package_version="0.1.0",
    config={"learner.hidden": [8, 5]},
)


def write(path, about):
    rng = np.random.default_rng(3)
    weights = rng.normal(0.0, 0.7, weight_count(about.sizes)).astype(np.float32)
    golden = rng.normal(size=(GOLDEN_PAIRS, about.sizes[0])).astype(np.float32)
    actor = MlpActor(about.sizes, weights, about.layer_norm)
    save_policy(path, about, weights, golden, np.stack([actor(one) for one in golden]))
    return path


def run(file, observations):
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (actions,) = session.run(None, {"observation": observations})
    return actions


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("bounds", [([], []), ([-2.0, 0.0], [2.0, 10.0])])
def test_the_graph_computes_the_actions_of_the_policy(tmp_path, layer_norm, bounds):
    about = replace(ABOUT, layer_norm=layer_norm, action_low=bounds[0], action_high=bounds[1])
    path = write(tmp_path / "policy.safetensors", about)
    assert export_onnx(path, tmp_path / "policy.onnx") < 1e-6
    observations = np.random.default_rng(4).normal(size=(7, 3)).astype(np.float32)
    wanted = np.stack([load_policy(path)(one) for one in observations])
    found = run(tmp_path / "policy.onnx", observations)
    assert found == pytest.approx(wanted, abs=1e-5)
    assert run(tmp_path / "policy.onnx", observations[:1]).shape == (1, 2)


def test_a_network_of_one_layer_is_worked_out_by_hand(tmp_path):
    about, path = replace(ABOUT, sizes=[2, 1]), tmp_path / "policy.safetensors"
    golden = np.zeros((GOLDEN_PAIRS, 2), dtype=np.float32)
    action = np.full((GOLDEN_PAIRS, 1), np.tanh(0.5), dtype=np.float32)
    save_policy(path, about, np.array([1.0, -2.0, 0.5], dtype=np.float32), golden, action)
    export_onnx(path, tmp_path / "policy.onnx")
    (((found,),),) = [run(tmp_path / "policy.onnx", np.array([[0.3, 0.1]], dtype=np.float32))]
    assert found == pytest.approx(np.tanh(0.3 - 0.2 + 0.5))


def test_the_metadata_are_those_of_the_policy(tmp_path):
    export_onnx(write(tmp_path / "p.safetensors", ABOUT), tmp_path / "policy.onnx")
    props = {own.key: own.value for own in onnx.load(tmp_path / "policy.onnx").metadata_props}
    assert json.loads(props["joints"]) == ["shoulder", "elbow"]
    assert json.loads(props["torque_limit"]) == [2.0, 1.0]
    assert json.loads(props["control_period"]) == 0.04
    assert json.loads(props["config"]) == {"learner.hidden": [8, 5]}


def test_a_graph_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "LAYER_NORM_EPSILON", np.float32(1.0))
    path = write(tmp_path / "policy.safetensors", replace(ABOUT, layer_norm=True))
    with pytest.raises(PolicyFileError, match=r"as ONNX its actions are off by .*Nothing was wri"):
        export_onnx(path, tmp_path / "policy.onnx")
    assert not (tmp_path / "policy.onnx").exists()
