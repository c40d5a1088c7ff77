"""The learner's demands on the machine: the device that its settings name, and fast arithmetic."""

import itertools
import re

import torch

from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.errors import MachineError
from ddpg_ros.types import RecordLayout

SPLIT_FROM = 2**22
"""Multiplications in a matrix product above which a second thread makes it faster."""


def require_machine(settings: LearnerSection) -> None:
    """Check that this machine supports the device, matrix precision and mode of the settings.

    Raises:
        MachineError: it does not; the message names the setting.
    """
    _require_device(settings.device)
    _require_precision(settings)
    _require_mode(settings)


def use_threads(settings: LearnerSection, layout: RecordLayout) -> None:
    """Have torch use `settings.threads` threads, or one if no layer is large enough to split."""
    inputs = layout.observation_size + layout.action_size
    layers = itertools.pairwise([inputs, *settings.hidden])
    largest = max(settings.batch_size * i * j for i, j in layers)
    torch.set_num_threads(settings.threads if largest >= SPLIT_FROM else 1)


def sum_in_float32() -> None:
    """Have CUDA sum products of bfloat16 in float32, as the CPU does, even in split sums."""
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def flush_subnormals() -> None:
    """Flush subnormal numbers to zero in this thread and in the threads that it starts.

    Adam's moments of a dead unit decay to subnormal numbers within a thousand updates, and an x86
    core computes slowly with them. On a processor that cannot flush them, the call does nothing.
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
            f"learner.device is {name!r}, which the learner cannot use; expected cpu, cuda or "
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
            supported = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        supported = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    if not supported:
        raise MachineError(
            f"learner.matmul_precision is bf16, but the {settings.device} here has no "
            "instructions for it and would gain no speed; expected fp32."
        )
