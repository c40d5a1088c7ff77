"""The learner's state without its replay buffer, as one sealed safetensors file.

The tensors are those of `LearnerState`, optimisers included, under their own names, the
normaliser's mean and variance, and the states of both random generators. The metadata is one JSON
document: the counters, the network settings and a checksum. The format contains no pickle.

The file is part of a generation (`worker/saving.py`), which adds the replay buffer.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ddpg_ros.algo.networks_in_file import (
    HEADER_LIMIT,
    KIND,
    SCHEMA_VERSION,
    network_settings,
)
from ddpg_ros.algo.normaliser import Statistics
from ddpg_ros.algo.optimisers import OptimiserState
from ddpg_ros.algo.update import LearnerState, combine
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.errors import CheckpointError
from ddpg_ros.files.sealed import read_sealed, require_version, sealed_bytes
from ddpg_ros.types import RecordLayout


class Counters(NamedTuple):
    """How far a learner is."""

    steps: int = 0  # environment steps
    updates: int = 0
    skips_in_a_row: int = 0  # updates that diverged and were skipped
    warmup_ends: int = 0  # environment step from which updates become due
    updates_before: int = 0  # updates done when it resumed at a later step without a debt


class Checkpoint(NamedTuple):
    """A learner's state on the CPU, without its replay buffer."""

    state: LearnerState
    statistics: Statistics  # of the observations
    rewards: tuple[float, float]  # smallest and largest so far; the range includes 0
    counters: Counters
    draw: Tensor  # uint8, state of the generator that draws the networks
    sample: Tensor  # uint8, state of the generator that draws minibatches


def moved(state: LearnerState, device: str) -> LearnerState:
    """Return a copy of a state on another device."""
    return combine(lambda tensor, _: tensor.detach().to(device, copy=True), state, state)


def checkpoint_bytes(
    checkpoint: Checkpoint, settings: LearnerSection, layout: RecordLayout
) -> bytes:
    """Return a checkpoint as the content of a file.

    Args:
        checkpoint: what to write.
        settings: the learner's settings.
        layout: of the learner's records.
    """
    networks = {"networks": network_settings(settings, layout)}
    return sealed_bytes(KIND, to_document(checkpoint) | networks, to_arrays(checkpoint))


def load_checkpoint(
    path: Path, like: Checkpoint, settings: LearnerSection, layout: RecordLayout
) -> Checkpoint:
    """Read a checkpoint and verify its checksum, network settings, shapes and finiteness.

    Args:
        path: the file.
        like: a checkpoint of a learner with these settings, for the expected shapes.
        settings: the learner's settings.
        layout: of the learner's records.

    Raises:
        CheckpointError: the file is missing, damaged, not a checkpoint, of another schema
            version, or of another learner.
    """
    expected = to_arrays(like)
    limit = sum(array.nbytes for array in expected.values()) + HEADER_LIMIT
    try:
        document, arrays = read_sealed(path, KIND, limit)
        require_version(document, SCHEMA_VERSION)
    except ValueError as error:
        raise CheckpointError(f"the checkpoint {path} {error}.") from None
    theirs, ours = document.get("networks"), network_settings(settings, layout)
    if theirs != ours:
        raise CheckpointError(
            f"the checkpoint {path} is of the networks {theirs}; this learner has {ours}."
        )
    if arrays.keys() != expected.keys():
        raise CheckpointError(
            f"the checkpoint {path} holds the arrays {sorted(arrays)}; expected "
            f"{sorted(expected)}."
        )
    for name, array in arrays.items():
        model = expected[name]
        fits = array.shape == model.shape and array.dtype == model.dtype
        if not fits or not np.isfinite(array).all():
            raise CheckpointError(
                f"the checkpoint {path}: {name} is {array.dtype} {array.shape}; expected finite "
                f"{model.dtype} {model.shape}."
            )
    try:
        return from_parts(document, arrays)
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(f"the checkpoint {path} lacks a counter of its learner.") from None


def to_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the numbers of a checkpoint, as JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "observations": checkpoint.statistics.seen,
        "smallest_reward": checkpoint.rewards[0],
        "largest_reward": checkpoint.rewards[1],
        **checkpoint.counters._asdict(),
    }


def to_arrays(checkpoint: Checkpoint) -> dict[str, NDArray[Any]]:
    """Return the arrays of a checkpoint by their names."""
    tensors: dict[str, Tensor] = {}
    for name, value in checkpoint.state._asdict().items():
        if isinstance(value, OptimiserState):
            tensors |= {f"{name}.{part}": tensor for part, tensor in value._asdict().items()}
        else:
            tensors[name] = value
    tensors |= {"draw": checkpoint.draw, "sample": checkpoint.sample}
    arrays: dict[str, NDArray[Any]] = {name: tensor.numpy() for name, tensor in tensors.items()}
    return arrays | {
        "mean": checkpoint.statistics.mean,
        "variance": checkpoint.statistics.variance,
    }


def from_parts(document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Checkpoint:
    """Return the checkpoint of `to_document` and `to_arrays`.

    Raises:
        KeyError, TypeError, ValueError: a number is missing, or is none.
    """

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(arrays[name])

    def optimiser(name: str) -> OptimiserState:
        return OptimiserState(*(tensor(f"{name}.{part}") for part in OptimiserState._fields))

    state = LearnerState(
        tensor("actor"),
        tensor("critics"),
        tensor("target_actor"),
        tensor("target_critics"),
        optimiser("actor_optimiser"),
        optimiser("critic_optimiser"),
        tensor("updates"),
    )
    return Checkpoint(
        state,
        Statistics(int(document["observations"]), arrays["mean"], arrays["variance"]),
        (float(document["smallest_reward"]), float(document["largest_reward"])),
        Counters(*(int(document[name]) for name in Counters._fields)),
        tensor("draw"),
        tensor("sample"),
    )
