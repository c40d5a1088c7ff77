"""The policy file: one safetensors file that runs an actor without torch.

The tensors are the actor's flat `weights` and the golden pairs, `golden_observations` and
`golden_actions`, which the learner's own network computed. Loading compares the numpy actor with
them. The metadata is one JSON document: `Policy.about` and a checksum. The format contains no
pickle.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ConfigDict, TypeAdapter, ValidationError

from ddpg_ros.config.run_directory import POLICY
from ddpg_ros.config.settings import Value
from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.errors import PolicyFileError, shortened
from ddpg_ros.files.sealed import read_sealed, write_sealed
from ddpg_ros.types import Vector32

SCHEMA_VERSION = 4  # 2 added layer_norm; 3 the bounds of an environment's actions; 4 gravity
SIZE_LIMIT = 256 * 2**20  # [bytes]; an actor has a few hundred kilobytes
GOLDEN_PAIRS = 16
_GOLDEN_TOLERANCE = 1e-3  # of an action; another order of summation causes up to 2e-5
_KIND = "policy"
_TENSORS = ("weights", "golden_observations", "golden_actions")
_FIX = f"take the {POLICY} of a run directory, or train again"


@dataclass(frozen=True)
class PolicyAbout:
    """The metadata of a policy file, by which a robot checks that the policy fits it."""

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    sizes: list[int]  # of the actor's layers, observation to action
    joints: list[str]  # in the order of the action; empty for a Gymnasium environment
    torque_limit: list[float]  # (n,) [N·m], the torque of action 1
    control_period: float  # [s]
    task: str
    urdf_sha256: str
    seed: int
    steps: int  # environment steps trained
    updates: int
    package_version: str
    config: dict[str, Value]  # every setting of the training run
    layer_norm: bool = False  # whether the actor's hidden layers are normalised
    action_low: list[float] = field(default_factory=list)  # what -1 stands for; empty: -1
    action_high: list[float] = field(default_factory=list)  # what 1 stands for; empty: 1
    gravity: str = ""  # `robot.gravity`; empty: not stated, or of no arm
    payload_mass: float = 0.0  # [kg]
    payload_centre: list[float] = field(default_factory=list)  # [m] in the tip's frame
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Policy:
    """A frozen actor and its metadata; call it with an observation."""

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
            PolicyFileError: the observation has another size, or is not of finite numbers.
        """
        about = self.about
        try:
            with np.errstate(over="ignore"):  # is looked at below
                seen = np.asarray(observation).astype(np.float32, casting="same_kind")
        except (TypeError, ValueError) as error:
            raise PolicyFileError(
                f"an observation that is no array of real numbers ({error}) for a policy of "
                f"{about.task}."
            ) from None
        if seen.shape != (about.sizes[0],):
            raise PolicyFileError(
                f"an observation of shape {seen.shape} for a policy of {about.task}, which takes "
                f"({about.sizes[0]},)."
            )
        if not np.isfinite(seen).all():
            raise PolicyFileError(
                f"the observation {shortened(' '.join(str(seen).split()))} for a policy of "
                f"{about.task}; expected finite numbers."
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
    """Write a policy file; the old one stays intact until the new one is complete.

    Args:
        path: the file.
        about: its metadata.
        weights: flat actor weights, (p,).
        observations: golden observations, (GOLDEN_PAIRS, o).
        actions: the actions of the learner's own network for them, (GOLDEN_PAIRS, a).

    Raises:
        OSError: the write failed; the old file is intact.
    """
    tensors = dict(zip(_TENSORS, (weights, observations, actions), strict=True))
    write_sealed(path, _KIND, asdict(about), tensors)


def load_policy(path: str | Path) -> Policy:
    """Read a policy file and verify its checksum, metadata, shapes, finiteness and golden pairs.

    Raises:
        PolicyFileError: the file is missing, damaged, not a policy, of a newer schema version,
            or its actor disagrees with its golden pairs.
    """
    path = Path(path)
    name = shortened(str(path))
    try:
        document, arrays = read_sealed(path, _KIND, SIZE_LIMIT)
    except ValueError as error:
        raise PolicyFileError(f"the policy {name} {error}; {_FIX}.") from None
    if arrays.keys() != set(_TENSORS):
        raise PolicyFileError(
            f"{path} holds the tensors {sorted(arrays)}; a policy holds {sorted(_TENSORS)}."
        )
    about = _read_about(path, document)
    weights = arrays["weights"]
    expected = {
        "weights": (weight_count(about.sizes),),
        "golden_observations": (GOLDEN_PAIRS, about.sizes[0]),
        "golden_actions": (GOLDEN_PAIRS, about.sizes[-1]),
    }
    for tensor, shape in expected.items():
        array = arrays[tensor]
        if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
            raise PolicyFileError(
                f"{path}: {tensor} is {array.dtype} {array.shape}; expected finite float32 "
                f"{shape}; {_FIX}."
            )
    actor = MlpActor(about.sizes, weights, about.layer_norm)
    with np.errstate(all="ignore"):  # an overflow shows in the comparison below
        actions = np.stack([actor(observation) for observation in arrays["golden_observations"]])
    deviation = float(np.abs(actions - arrays["golden_actions"]).max())
    if not deviation <= _GOLDEN_TOLERANCE:  # also true of NaN
        raise PolicyFileError(
            f"{path}: the actor is off by {deviation:.2g} on its own golden pairs; expected at "
            f"most {_GOLDEN_TOLERANCE}; {_FIX}."
        )
    return Policy(actor, about)


def read_golden(path: Path) -> Array32:
    """Return the golden observations, (GOLDEN_PAIRS, o), of a file that `load_policy` reads."""
    _, arrays = read_sealed(path, _KIND, SIZE_LIMIT)
    golden: Array32 = arrays["golden_observations"]
    return golden


def _read_about(path: Path, document: dict[str, Any]) -> PolicyAbout:
    """Validate the metadata of a policy file."""
    version = document["schema_version"]
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise PolicyFileError(
            f"{path} has schema version {version}; this package reads up to {SCHEMA_VERSION}: "
            "update ddpg_ros."
        )
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
