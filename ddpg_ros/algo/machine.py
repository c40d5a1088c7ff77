"""What the learner asks of the machine: what its settings name, and quick arithmetic."""

import itertools
import re

import torch

from ddpg_ros.config.settings import LearnerSection
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout

SPLIT_FROM = 2**22
"""Multiplications in a product of matrices from which a second thread makes it quicker."""


def require_machine(settings: LearnerSection) -> None:
    """Check device, matrix precision and mode.

    Raises:
        MachineError: one that is not there, or a mode that the device does not have.
    """
    _require_device(settings.device)
    _require_precision(settings)
    _require_mode(settings)


def use_threads(settings: LearnerSection, layout: RecordLayout) -> None:
    """Take the threads of the settings, or one where no layer is large enough to split."""
    inputs = layout.observation_size + layout.action_size
    layers = itertools.pairwise([inputs, *settings.hidden])
    largest = max(settings.batch_size * i * j for i, j in layers)
    torch.set_num_threads(settings.threads if largest >= SPLIT_FROM else 1)


def sum_in_float32() -> None:
    """Let CUDA, too, sum products of bfloat16 in float32 alone, also where it splits a sum."""
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def flush_subnormals() -> None:
    """Let subnormal numbers count as zero in this thread and in those that it starts.

    Adam's moments of a unit that no longer fires decay to such numbers within a thousand updates,
    and an x86 core is slow at them. A processor that cannot flush them goes on as before.
    """
    torch.set_flush_denormal(True)


def _require_mode(settings: LearnerSection) -> None:
    cuda = torch.device(settings.device).type == "cuda"
    if settings.mode == "cudagraph" and not cuda:
        raise MachineError(
            f"learner.mode is cudagraph and learner.device {settings.device}; expected "
            "learner.device: cuda, or learner.mode: auto."
        )
    if settings.mode == "compile" and cuda:
        raise MachineError(
            f"learner.mode is compile and learner.device {settings.device}; expected "
            "learner.device: cpu, or learner.mode: cudagraph."
        )


def _require_device(name: str) -> None:
    match = re.fullmatch(r"cpu|cuda(?::(\d+))?", name)
    if match is None:
        raise MachineError(
            f"learner.device is {name!r}, on which nothing here computes; expected cpu, cuda or "
            "cuda:N, N the number of the device."
        )
    if name == "cpu":
        return
    if not torch.cuda.is_available():
        raise MachineError(
            f"learner.device is {name}, and torch {torch.__version__} sees no CUDA device here; "
            "set learner.device: cpu, or install a CUDA build of torch."
        )
    count = torch.cuda.device_count()
    if int(match[1] or 0) >= count:
        raise MachineError(
            f"learner.device is {name}, and this machine has {count} CUDA devices, numbered "
            f"from 0; expected at most cuda:{count - 1}."
        )


def _require_precision(settings: LearnerSection) -> None:
    if settings.matmul_precision != "bf16":
        return
    if torch.device(settings.device).type == "cuda":
        with torch.cuda.device(settings.device):
            there = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        there = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    if not there:
        raise MachineError(
            f"learner.matmul_precision is bf16, which the {settings.device} here multiplies no "
            "faster than fp32, having no instructions for it; expected fp32."
        )
