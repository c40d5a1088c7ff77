"""The policy file: one safetensors file that runs an actor without the training half.

Tensors: `weights` (of the actor, flat), `golden_observations` and `golden_actions` (pairs made by
the learner's own network). Metadata: one JSON document, `Policy.about` and a checksum of it and of
the tensors. No pickle, in or out.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ConfigDict, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from ddpg_ros.config.run_directory import POLICY
from ddpg_ros.config.settings import Value
from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.errors import PolicyFileError, shortened
from ddpg_ros.files.kinds import is_special
from ddpg_ros.files.sealed import seal, write_sealed
from ddpg_ros.types import Vector32

SCHEMA_VERSION = 3  # 2: with layer_norm; 3: with the bounds of an environment's actions
SIZE_LIMIT = 256 * 2**20  # [bytes]; an actor has a few hundred kilobytes
GOLDEN_PAIRS = 16
_GOLDEN_TOLERANCE = 1e-3  # of [-1, 1]; sums in another order: up to 2e-5 after a million steps
_CHECKPOINT = "checkpoint"  # in the metadata of those that the learner writes
_TENSORS = ("weights", "golden_observations", "golden_actions")


@dataclass(frozen=True)
class PolicyAbout:
    """What a policy file says of itself; all a robot needs to check that it fits."""

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    sizes: list[int]  # layers of the actor, observation to action
    joints: list[str]  # in the order of the action; empty for a Gymnasium environment
    torque_limit: list[float]  # [N·m] a joint, the torque of action 1
    control_period: float  # [s]
    task: str
    urdf_sha256: str
    seed: int
    steps: int  # environment steps trained
    updates: int
    package_version: str
    config: dict[str, Value]  # every setting of the training run
    layer_norm: bool = False  # in the hidden layers of the actor
    action_low: list[float] = field(default_factory=list)  # what -1 stands for; empty: -1
    action_high: list[float] = field(default_factory=list)  # what 1 stands for; empty: 1
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Policy:
    """A frozen actor and what is known of it; call it with an observation."""

    actor: MlpActor
    about: PolicyAbout

    def __call__(self, observation: ArrayLike) -> Vector32:
        """Return the action for an observation; numpy alone, no torch.

        Args:
            observation: (o,), as the environment or the task gives it.

        Returns:
            (a,): within the bounds of the Gymnasium environment that it was trained on; for an
            arm in [-1, 1], the share of each joint's `about.torque_limit`.

        Raises:
            PolicyFileError: the observation has another size.
        """
        seen = np.asarray(observation, dtype=np.float32)
        about = self.about
        if seen.shape != (about.sizes[0],):
            raise PolicyFileError(
                f"an observation of shape {seen.shape} for a policy of {about.task}, which takes "
                f"({about.sizes[0]},)."
            )
        action = self.actor(seen)
        if not about.action_low:
            return action
        low, high = (np.array(b, dtype=np.float32) for b in (about.action_low, about.action_high))
        scaled: Vector32 = low + (action + np.float32(1.0)) * (np.float32(0.5) * (high - low))
        return np.clip(scaled, low, high)


Array32 = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def save_policy(
    path: Path, about: PolicyAbout, weights: Vector32, observations: Array32, actions: Array32
) -> None:
    """Write a policy file; the old one is whole until the new one is.

    Args:
        path: the file.
        about: its metadata.
        weights: flat actor weights.
        observations: golden observations, (GOLDEN_PAIRS, o).
        actions: what the learner's own network answers, (GOLDEN_PAIRS, a).

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    tensors = dict(zip(_TENSORS, (weights, observations, actions), strict=True))
    write_sealed(path, "policy", asdict(about), tensors)


def load_policy(path: str | Path) -> Policy:
    """Read a policy file and prove it: checksum, sizes, finiteness and the golden pairs.

    Raises:
        PolicyFileError: no such file, not whole, not ours, too new, or a wrong answer.
    """
    path = Path(path)
    mend = "train again, or take another copy of the file"
    if is_special(path):
        raise PolicyFileError(f"{path} is a pipe or a device; expected a policy file.")
    try:
        size = path.stat().st_size
    except OSError as error:
        why = error.strerror
        raise PolicyFileError(f"cannot read the policy {shortened(str(path))}: {why}.") from None
    except ValueError as error:  # a zero byte in the name
        raise PolicyFileError(f"cannot read the policy {str(path)!r}: {error}.") from None
    if path.is_dir():
        raise PolicyFileError(f"{path} is a directory; expected a file: {path / POLICY}?")
    if size > SIZE_LIMIT:
        raise PolicyFileError(f"{path} has {size} bytes; a policy has at most {SIZE_LIMIT}.")
    try:
        with safe_open(path, framework="numpy") as file:
            names, metadata = set(file.keys()), file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
        raise PolicyFileError(
            f"{path} is not a whole policy file ({size} bytes; {error}); {mend}."
        ) from None
    if _CHECKPOINT in metadata:
        raise PolicyFileError(
            f"{path} is a checkpoint of a learner; its policy is {POLICY}, beside the "
            "checkpoint's folder."
        )
    if names != set(_TENSORS):
        raise PolicyFileError(
            f"{path} holds the tensors {sorted(names)}; a policy holds {sorted(_TENSORS)}."
        )
    document = _document(path, metadata)
    if document.pop("sha256", "") != seal(document, arrays):
        raise PolicyFileError(f"{path}: its checksum is not that of its content; {mend}.")
    about = _about(path, document)
    weights = arrays["weights"]
    expected = {
        "weights": (weight_count(about.sizes),),
        "golden_observations": (GOLDEN_PAIRS, about.sizes[0]),
        "golden_actions": (GOLDEN_PAIRS, about.sizes[-1]),
    }
    for name, shape in expected.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
            raise PolicyFileError(
                f"{path}: {name} is {array.dtype} {array.shape}; expected finite float32 "
                f"{shape}; {mend}."
            )
    actor = MlpActor(about.sizes, weights, about.layer_norm)
    with np.errstate(all="ignore"):  # whatever comes of it is judged below
        answers = np.stack([actor(observation) for observation in arrays["golden_observations"]])
    off = float(np.abs(answers - arrays["golden_actions"]).max())
    if not off <= _GOLDEN_TOLERANCE:  # a NaN is refused, too
        raise PolicyFileError(
            f"{path}: the actor is off by {off:.2g} on its own golden pairs; expected at most "
            f"{_GOLDEN_TOLERANCE}; {mend}."
        )
    return Policy(actor, about)


def _document(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(metadata["policy"])
        version = document["schema_version"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise PolicyFileError(
            f"{path} says nothing of a policy in its metadata; expected a file written by "
            "ddpg-ros train."
        ) from None
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise PolicyFileError(
            f"{path} has schema version {version}; this package reads up to {SCHEMA_VERSION}: "
            "update ddpg_ros."
        )
    return document


def _about(path: Path, document: dict[str, Any]) -> PolicyAbout:
    try:
        about = TypeAdapter(PolicyAbout).validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PolicyFileError(
            f"{path}: {where} in its metadata is {str(first['input'])[:100]!r}; {first['msg']}."
        ) from None
    if len(about.sizes) < 2 or min(about.sizes) < 1:
        raise PolicyFileError(
            f"{path}: sizes in its metadata is {about.sizes}; expected two or more numbers above "
            "0, observation to action."
        )
    bounds = about.action_low, about.action_high
    if any(bounds) and not (
        len(bounds[0]) == len(bounds[1]) == about.sizes[-1]
        and all(low < high for low, high in zip(*bounds, strict=True))
    ):
        raise PolicyFileError(
            f"{path}: action_low and action_high in its metadata are {bounds[0]} and {bounds[1]}; "
            f"expected {about.sizes[-1]} numbers each, low < high."
        )
    return about
