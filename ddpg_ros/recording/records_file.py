"""The file of a run that holds the transitions of its recordings, for the worker to begin with."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.errors import RecordingError
from ddpg_ros.files.sealed import read_sealed, write_sealed
from ddpg_ros.types import RecordLayout

Records = NDArray[np.float32]
"""(k, width), each in the form of `RecordLayout`."""

_KIND, _SCHEMA = "experience", 1
_HEADER_BYTES = 1 << 20  # of the file, beside its records


def save_records(path: Path, records: Records, about: dict[str, Any]) -> None:
    """Write transitions into a sealed file, whole or not at all.

    Raises:
        OSError: the write failed.
    """
    write_sealed(path, _KIND, about | {"schema_version": _SCHEMA}, {"records": records})


def load_records(path: Path, layout: RecordLayout, most: int) -> Records:
    """Read transitions back.

    Args:
        path: what `save_records` wrote.
        layout: of the learner.
        most: that the replay buffer holds.

    Raises:
        RecordingError: the file is missing, damaged, or for another arm or task.
    """
    limit = _HEADER_BYTES + 4 * most * layout.width
    try:
        _, arrays = read_sealed(path, _KIND, limit)
        records = arrays["records"]
        if records.dtype != np.float32 or records.shape[1:] != (layout.width,):
            raise ValueError(
                f"holds {records.dtype} {records.shape}; expected float32 (k, {layout.width})"
            )
    except (ValueError, KeyError) as error:
        raise RecordingError(f"{path} {error}; give the recordings again.") from None
    return records
