"""A policy as ONNX, for a robot whose controller runs no Python.

The file takes observations as the task gives them and returns what `Policy` does. Its metadata
are those of the policy file, one JSON document a field. Before it is written, onnxruntime runs it
on the policy's golden observations.
"""

import json
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ddpg_ros.control.mlp import LAYER_NORM_EPSILON
from ddpg_ros.control.policy import Array32, Policy, load_policy, read_golden
from ddpg_ros.errors import PolicyFileError
from ddpg_ros.extras import require
from ddpg_ros.files.sealed import write_whole

_OPSET, _IR = 17, 8  # onnxruntime 1.12 and newer
_TOLERANCE = 1e-5  # of an action's range; another order of summation causes about 1e-7


def export_onnx(path: Path, file: Path) -> float:
    """Write a policy file as ONNX, and return its largest deviation, as a share of the range.

    The graph's input is `observation`, (b, o) float32; its output is `action`, (b, a) float32.

    Args:
        path: the policy file.
        file: the ONNX file; an old one stays intact until the new one is whole.

    Raises:
        PolicyFileError: no policy, or the graph computes other actions.
        MachineError: onnx or onnxruntime is not installed.
        OSError: the write failed.
    """
    require("onnx", "onnxruntime")
    policy = load_policy(path)
    content = _model(policy).SerializeToString()
    deviation = _deviation(policy, content, read_golden(path))
    if not deviation <= _TOLERANCE:  # also true of NaN
        raise PolicyFileError(
            f"{path}: as ONNX its actions are off by {deviation:.2g} of their range on the golden "
            f"observations; expected at most {_TOLERANCE:g}. Nothing was written."
        )
    write_whole(file, content)
    return deviation


def _deviation(policy: Policy, content: bytes, observations: Array32) -> float:
    from onnxruntime import InferenceSession

    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    (actions,) = session.run(["action"], {"observation": observations})
    wanted = np.stack([policy(observation) for observation in observations])
    low, high = policy.about.action_low or [-1.0], policy.about.action_high or [1.0]
    span = np.subtract(high, low, dtype=np.float64)
    return float((np.abs(actions - wanted) / span).max())


class _Graph:
    """The nodes and constants of a graph, in order; each node's output feeds the next."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.newest = "observation"

    def constant(self, value: object) -> str:
        """Add an array; returns its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(value, dtype=np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node, of the newest output and further inputs; returns its output's name."""
        from onnx import helper

        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.newest, *inputs], [name], **attributes))
        self.newest = name
        return name


def _model(policy: Policy) -> Any:
    from onnx import TensorProto, checker, helper

    about, graph = policy.about, _Graph()
    _add_layers(graph, policy)
    if about.action_low:
        low, high = (np.array(b, dtype=np.float32) for b in (about.action_low, about.action_high))
        graph.add("Add", graph.constant(1.0))
        graph.add("Mul", graph.constant(np.float32(0.5) * (high - low)))
        graph.add("Add", graph.constant(low))
        graph.add("Max", graph.constant(low))
        graph.add("Min", graph.constant(high))
    graph.add("Identity", output="action")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in (("observation", about.sizes[0]), ("action", about.sizes[-1]))
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "policy", ends[:1], ends[1:], graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
        producer_name="ddpg_ros",
        producer_version=about.package_version,
    )
    helper.set_model_props(model, {key: json.dumps(own) for key, own in asdict(about).items()})
    checker.check_model(model)
    return model


def _add_layers(graph: _Graph, policy: Policy) -> None:
    """Add the actor's layers; see `MlpActor`."""
    weights, start = policy.actor.weights, 0
    layers = list(pairwise(policy.about.sizes))
    for number, (fan_in, fan_out) in enumerate(layers):
        end = start + fan_in * fan_out
        matrix = graph.constant(weights[start:end].reshape(fan_out, fan_in))
        bias = graph.constant(weights[end : end + fan_out])
        start = end + fan_out
        graph.add("Gemm", matrix, bias, transB=1)
        if number == len(layers) - 1:
            graph.add("Tanh")
            return
        if policy.about.layer_norm:
            _add_layer_norm(graph)
        graph.add("Relu")


def _add_layer_norm(graph: _Graph) -> None:
    """Add (x − mean) / √(mean((x − mean)²) + ε)."""
    raw = graph.newest
    mean = graph.add("ReduceMean", axes=[1], keepdims=1)
    graph.newest = raw
    centred = graph.add("Sub", mean)
    graph.add("Mul", centred)
    graph.add("ReduceMean", axes=[1], keepdims=1)
    graph.add("Add", graph.constant(LAYER_NORM_EPSILON))
    deviation = graph.add("Sqrt")
    graph.newest = centred
    graph.add("Div", deviation)
