"""What does the updates: Python, a CUDA graph, or compiled code as soon as it is there."""

import logging

import torch

from ddpg_ros.algo.compiled import CompiledUpdate
from ddpg_ros.algo.cuda_graph import CudaGraph
from ddpg_ros.algo.program import Program, Run
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.errors import MachineError

_LOG = logging.getLogger(__name__)

WORTH_COMPILING = 5_000
"""Planned updates from which mode `auto` compiles; fewer would end before the code is loaded."""


class Runner:
    """Changes over from Python to compiled code when that is there."""

    def __init__(
        self,
        settings: LearnerSection,
        storage_settings: LearnerSection,
        program: Program,
        planned_updates: float,
    ) -> None:
        """Start to compile if it pays off.

        Args:
            settings: everything about learning.
            storage_settings: the same, with the capacity that the replay buffer really has.
            program: the update.
            planned_updates: of the whole training.
        """
        cuda = torch.device(settings.device).type == "cuda"
        graph = cuda and settings.mode in ("cudagraph", "auto")
        self._mode = settings.mode
        self._run: Run = CudaGraph(program) if graph else program.eagerly
        self._compiled: CompiledUpdate | None = None
        worthwhile = not cuda and planned_updates >= WORTH_COMPILING
        if settings.mode == "compile" or (settings.mode == "auto" and worthwhile):
            self._compiled = CompiledUpdate(storage_settings, program.layout)

    @property
    def run(self) -> Run:
        """What does the next updates.

        Raises:
            MachineError: `learner.mode` is compile, and the compilation failed.
        """
        if self._compiled is not None and self._compiled.ready:
            self._adopt(self._compiled)
        return self._run

    @property
    def compiling(self) -> bool:
        """Whether a compilation is under way."""
        return self._compiled is not None and not self._compiled.ready

    @property
    def compiler_runs(self) -> bool:
        """Whether the compiler runs, for 20 to 45 s; otherwise a compiled update is loaded."""
        return self._compiled is not None and self._compiled.compiling

    def compile(self) -> None:
        """Wait for a compilation under way and use its result.

        Raises:
            MachineError: `learner.mode` is compile, and the compilation failed.
        """
        if self._compiled is not None:
            self._compiled.wait()
            self._adopt(self._compiled)

    def close(self) -> None:
        """Stop a compilation that is still under way."""
        if self._compiled is not None:
            self._compiled.close()

    def _adopt(self, compiled: CompiledUpdate) -> None:
        self._compiled = None
        if compiled.run is not None:
            self._run = compiled.run
        elif self._mode == "compile":
            raise MachineError(f"learner.mode is compile, but {compiled.error}")
        else:
            _LOG.warning("not compiled, slower: %s", compiled.error)
