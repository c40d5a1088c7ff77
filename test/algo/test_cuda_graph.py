"""What a CUDA graph replays, recorded and replayed on the processor by the same rules.

Without a GPU the kernels cannot be tried, nor streams and memory pools, but the rest can: that the
captured update reads and writes the same memory at each replay, none of it the host's, and has
none of the operations that usually ask the host. `test_modes.py` has the tests on a device.
"""

import contextlib

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ddpg_ros.algo.cuda_graph import CudaGraph
from ddpg_ros.algo.program import CARRIED, Inputs
from test.algo.test_modes import EVERY_OPTION, LAYOUT, experience, learner, train

HOST = {  # of these a capture on a device makes an error
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.is_nonzero.default,
    torch.ops.aten.equal.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
    torch.ops.aten.lift_fresh.default,  # torch.tensor(…) of numbers
}


class Recorded(TorchDispatchMode):
    """A graph: the operations of a capture, replayed on the memory that they had then."""

    def __init__(self, host=()):
        super().__init__()
        self.operations = []
        self.replays = 0
        self._host = {_memory(tensor) for tensor in host}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        read = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
        masks = function is torch.ops.aten.index.Tensor and any(
            one.dtype is torch.bool for one in read[1:]
        )
        assert function not in HOST and not masks, f"{function} in a capture: it needs the host"
        assert self._host.isdisjoint(map(_memory, read)), f"{function} reads the host's memory"
        came = function(*args, **kwargs)
        if not function.is_view:  # a view stays one of the same memory
            self.operations.append((function, args, kwargs, came))
        return came

    @torch.no_grad()
    def replay(self):
        self.replays += 1
        for function, args, kwargs, before in self.operations:
            came = function(*args, **kwargs)
            for old, new in zip(_each(before), _each(came), strict=True):
                if old is not new:  # an operation in place has written already
                    old.copy_(new)


def _memory(tensor):
    return tensor.untyped_storage().data_ptr()


def _each(came):
    return came if isinstance(came, tuple | list) else (came,)


class Stream:
    def __init__(self, device=None):
        pass

    def wait_stream(self, other):
        pass


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that are captured."""
    captured, host = [], []

    def graph():
        captured.append(Recorded(host))
        return captured[-1]

    def capture(recorded, stream):
        assert isinstance(stream, Stream)
        return recorded

    def carried(inputs, device):  # to another device everything is copied
        host.extend(tensor for tensor in inputs if tensor is not inputs.storage)
        return inputs._replace(**{name: getattr(inputs, name).clone() for name in CARRIED})

    monkeypatch.setattr(Inputs, "on", carried)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", contextlib.nullcontext)
    monkeypatch.setattr(torch.cuda, "device", contextlib.nullcontext)
    return captured


def graphed(**options):
    one = learner("eager", **options)
    one._runner._run = CudaGraph(one._program)
    return one


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, EVERY_OPTION], ids=["plain", "every-option"])
def test_replays_of_one_capture_come_to_what_the_update_comes_to(graphs, options):
    expected_weights, expected_reports = train(learner("eager", **options))
    weights, reports = train(graphed(**options))
    np.testing.assert_array_equal(reports, expected_reports)
    np.testing.assert_array_equal(weights, expected_weights)
    (graph,) = graphs
    assert graph.replays == 50


@pytest.mark.slow
def test_a_state_that_is_given_back_is_gone_on_from(graphs):
    weights = []
    for one in (learner("eager"), graphed()):
        train(one)
        before = one.checkpoint()
        one.update(20)
        one.restore(before)
        one.update(4)
        weights.append(one.policy_weights().copy())
    np.testing.assert_array_equal(weights[1], weights[0])
    assert len(graphs) == 1


def test_experience_moments_and_value_limits_of_later_calls_are_seen(graphs):
    options = {"clip_target": True, "normalise_observations": True}
    later = experience()
    later[:, LAYOUT.slices[2]] *= 1000.0  # rewards beyond what the first ones allow a value
    later[:, LAYOUT.slices[0]] += 3.0
    reports = []
    for one in (learner("eager", **options), graphed(**options)):
        one.add(experience())
        one.update(3)
        one.add(later)
        reports.append(one.update(3))
    np.testing.assert_array_equal(reports[1].rows, reports[0].rows)
    assert reports[0].column("skipped") == [0.0] * 3


HOST_MEMORY = torch.ones(())


@pytest.mark.parametrize(
    "capture",
    [
        lambda: float(torch.ones(2).sum()),
        lambda: torch.ones(2)[torch.ones(2) > 0.0],
        lambda: torch.ones(2) * torch.tensor(2.0),
        lambda: torch.ones(2) * HOST_MEMORY,
    ],
    ids=["a number read", "a mask", "a number written", "the host's memory"],
)
def test_the_recorder_refuses_what_needs_the_host(capture):
    with pytest.raises(AssertionError, match="host"), Recorded([HOST_MEMORY]):
        capture()
