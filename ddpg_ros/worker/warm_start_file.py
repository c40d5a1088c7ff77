"""The file of a run that holds what it began with: the warm start, sealed; no torch.

The earlier run may be moved away after that, and a run that is resumed has what it began with.
"""

from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ddpg_ros.algo.warm_start import Critics, WarmStart
from ddpg_ros.config.run_directory import WARM_START
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import CheckpointError, RunDirectoryError
from ddpg_ros.files.sealed import read_sealed, require_finite, require_version, write_sealed

KIND, SCHEMA_VERSION = "warm_start", 1
_SIZE_LIMIT = 2**40  # [bytes]; the file is this run's own


class KeptWarmStart(NamedTuple):
    """A warm start, and where it is from."""

    warm: WarmStart
    about: dict[str, Any]  # JSON: `source`, `steps` and `updates` of the earlier training


def save_warm_start(run_dir: Path, kept: KeptWarmStart) -> None:
    """Write the file, whole or not at all.

    Raises:
        RunDirectoryError: it cannot be written.
    """
    warm, path = kept.warm, run_dir / WARM_START
    arrays: dict[str, NDArray[Any]] = {
        "actor": warm.actor,
        "target_actor": warm.target_actor,
        "records": warm.records,
    }
    document = kept.about | {"schema_version": SCHEMA_VERSION, "values": list(warm.values)}
    if warm.critics is not None:
        parts = warm.critics._asdict()
        document["seen"] = parts.pop("seen")
        arrays |= parts
    try:
        write_sealed(path, KIND, document, arrays)
    except OSError as error:
        size = sum(array.nbytes for array in arrays.values())
        raise RunDirectoryError(
            f"{path} cannot be written ({error.strerror or error}); it takes {size} bytes. Make "
            "room on that disk."
        ) from None


def load_warm_start(run_dir: Path) -> KeptWarmStart:
    """Read the file back.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    path = run_dir / WARM_START
    try:
        document, arrays = read_sealed(path, KIND, _SIZE_LIMIT)
        require_version(document, SCHEMA_VERSION)
        require_finite(arrays)
        least, largest = map(float, document.pop("values"))
        critics = None
        if "seen" in document:
            names = ("critics", "target_critics", "mean", "variance")
            critic, target, mean, variance = (arrays[name] for name in names)
            critics = Critics(critic, target, int(document.pop("seen")), mean, variance)
        actors = arrays["actor"], arrays["target_actor"]
        warm = WarmStart(*actors, critics, (least, largest), arrays["records"])
    except (KeyError, TypeError):
        raise CheckpointError(f"{path} lacks a part of what this run began with.") from None
    except ValueError as error:
        raise CheckpointError(
            f"{path} {error}; it holds what this run began with, and without it the run cannot go "
            "on."
        ) from None
    return KeptWarmStart(warm, document)


def warm_start_of(config: Config, run_dir: Path) -> WarmStart | None:
    """Return what a run begins with, as its directory has it; None: untrained networks.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    return load_warm_start(run_dir).warm if config.run.init_from else None
