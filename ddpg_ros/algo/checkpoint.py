"""The checkpoint: the learner's state without its replay buffer, as one safetensors file.

The tensors are those of `LearnerState`, optimisers included, under their own names, and the
normaliser's mean and variance. The metadata is one JSON document: the counters, the network
settings and a checksum. The format contains no pickle.

A learner that resumes from a checkpoint starts with an empty replay buffer.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ddpg_ros.algo.normaliser import Statistics
from ddpg_ros.algo.optimisers import OptimiserState
from ddpg_ros.algo.update import LearnerState, combine
from ddpg_ros.config.settings import LearnerSection
from ddpg_ros.errors import CheckpointError
from ddpg_ros.files.sealed import read_sealed, write_sealed
from ddpg_ros.types import RecordLayout

LATEST, PREVIOUS = "latest.safetensors", "previous.safetensors"
SCHEMA_VERSION = 3
_KIND = "checkpoint"
_HEADER_LIMIT = 2**20  # [bytes]
_NETWORK_SETTINGS = (
    "hidden",
    "critics",
    "actor_layer_norm",
    "critic_layer_norm",
    "normalise_observations",
)
"""Settings that must match for the stored parameters to mean the same function."""


class Checkpoint(NamedTuple):
    """A learner's state on the CPU."""

    state: LearnerState
    statistics: Statistics  # of the observations
    rewards: tuple[float, float]  # smallest and largest so far; the range includes 0
    steps: int  # environment steps
    updates: int


def moved(state: LearnerState, device: str) -> LearnerState:
    """Return a copy of a state on another device."""
    return combine(lambda tensor, _: tensor.detach().to(device, copy=True), state, state)


def save_checkpoint(
    folder: Path, checkpoint: Checkpoint, settings: LearnerSection, layout: RecordLayout
) -> None:
    """Write a checkpoint as `LATEST` of a folder; the one before becomes `PREVIOUS`.

    Args:
        folder: created if missing.
        checkpoint: what to write.
        settings: the learner's settings.
        layout: of the learner's records.

    Raises:
        OSError: the write failed; the files that were there are intact.
    """
    folder.mkdir(exist_ok=True)
    document = {
        "schema_version": SCHEMA_VERSION,
        "networks": _networks(settings, layout),
        "steps": checkpoint.steps,
        "updates": checkpoint.updates,
        "observations": checkpoint.statistics.seen,
        "rewards": checkpoint.rewards,
    }
    write_sealed(folder / LATEST, _KIND, document, _arrays(checkpoint), folder / PREVIOUS)


def newest_checkpoint(
    folder: Path, like: Checkpoint, settings: LearnerSection, layout: RecordLayout
) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest valid checkpoint of a folder, and why newer ones are not valid.

    Returns:
        The checkpoint, None if there is none, and one sentence for each checkpoint refused.
    """
    refusals: list[str] = []
    for name in (LATEST, PREVIOUS):
        if (folder / name).exists():
            try:
                return load_checkpoint(folder / name, like, settings, layout), refusals
            except CheckpointError as error:
                refusals.append(str(error))
    return None, refusals


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
    expected = _arrays(like)
    limit = sum(array.nbytes for array in expected.values()) + _HEADER_LIMIT
    try:
        document, arrays = read_sealed(path, _KIND, limit)
    except ValueError as error:
        raise CheckpointError(f"the checkpoint {path} {error}.") from None
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise CheckpointError(
            f"the checkpoint {path} has schema version {version}; this package reads "
            f"{SCHEMA_VERSION}: use the version of ddpg_ros that wrote it."
        )
    theirs, ours = document.get("networks"), _networks(settings, layout)
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
    return Checkpoint(
        _state(arrays),
        Statistics(document["observations"], arrays["mean"], arrays["variance"]),
        tuple(document["rewards"]),
        document["steps"],
        document["updates"],
    )


def _networks(settings: LearnerSection, layout: RecordLayout) -> dict[str, Any]:
    sizes = {"observation": layout.observation_size, "action": layout.action_size}
    return sizes | {name: getattr(settings, name) for name in _NETWORK_SETTINGS}


def _arrays(checkpoint: Checkpoint) -> dict[str, NDArray[Any]]:
    tensors: dict[str, Tensor] = {}
    for name, value in checkpoint.state._asdict().items():
        if isinstance(value, OptimiserState):
            tensors |= {f"{name}.{part}": tensor for part, tensor in value._asdict().items()}
        else:
            tensors[name] = value
    arrays: dict[str, NDArray[Any]] = {name: tensor.numpy() for name, tensor in tensors.items()}
    return arrays | {
        "mean": checkpoint.statistics.mean,
        "variance": checkpoint.statistics.variance,
    }


def _state(arrays: dict[str, NDArray[Any]]) -> LearnerState:
    def tensor(name: str) -> Tensor:
        return torch.from_numpy(arrays[name])

    def optimiser(name: str) -> OptimiserState:
        return OptimiserState(*(tensor(f"{name}.{part}") for part in OptimiserState._fields))

    return LearnerState(
        tensor("actor"),
        tensor("critics"),
        tensor("target_actor"),
        tensor("target_critics"),
        optimiser("actor_optimiser"),
        optimiser("critic_optimiser"),
        tensor("updates"),
    )
