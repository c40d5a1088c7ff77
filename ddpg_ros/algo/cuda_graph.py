"""The update captured as a CUDA graph, which the host replays without waiting in between."""

import torch
from torch import Tensor

from ddpg_ros.algo.program import CARRIED, PER_UPDATE, Inputs, Program
from ddpg_ros.algo.update import LearnerState, Metrics, combine

_WARM_UPS = 3  # runs before a capture, as torch's documentation of CUDA graphs asks


class CudaGraph:
    """Runs the updates of a call by replaying one captured update; the first call captures it."""

    def __init__(self, program: Program) -> None:
        """Make the runner; the device does nothing before the first call."""
        self._program = program
        self._graph: torch.cuda.CUDAGraph | None = None
        self._state: LearnerState
        self._inputs: Inputs
        self._k: Tensor
        self._report: Tensor

    def __call__(self, state: LearnerState, inputs: Inputs) -> tuple[LearnerState, Tensor]:
        """Do the updates of a call, see `Run`; the next call overwrites the returned state."""
        if self._graph is None:
            with torch.cuda.device(inputs.storage.device):  # torch captures on the current device
                self._capture(state, inputs)
        assert self._graph is not None
        if state is not self._state:  # on the first call, and after the networks were reset
            combine(Tensor.copy_, self._state, state)
        count = int(inputs.updates)
        for name in CARRIED:
            target, source = getattr(self._inputs, name), getattr(inputs, name)
            if name in PER_UPDATE:
                target, source = target[:count], source[:count]
            target.copy_(source, non_blocking=True)
        self._k.zero_()
        for _ in range(count):
            self._graph.replay()
        return self._state, self._report.clone()

    def _capture(self, state: LearnerState, inputs: Inputs) -> None:
        device = inputs.storage.device
        self._state = combine(lambda tensor, _: tensor.clone(), state, state)
        self._inputs = inputs.on(device)
        self._k = torch.zeros((), dtype=torch.int64, device=device)
        self._report = torch.zeros((len(inputs.rows), len(Metrics._fields)), device=device)
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UPS):
                self._program.one(self._state, self._inputs, self._k)
        torch.cuda.current_stream(device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            new, metrics = self._program.one(self._state, self._inputs, self._k)
            self._report.index_copy_(0, self._k.reshape(1), metrics[None])
            combine(Tensor.copy_, self._state, new)
            self._k += 1
        self._graph = graph
