"""The records of a replay buffer, read from the segments of a generation; without torch."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.errors import CheckpointError
from ddpg_ros.files.generations import Generation, read_prefix

NUMBER = np.dtype("<f4")
"""Of a segment, row by row."""


class StoredRecords(NamedTuple):
    """What a generation holds of a replay buffer."""

    records: NDArray[np.float32]  # (k, width), the last that were stored, oldest first
    total: int  # records that were ever stored
    segments: list[tuple[str, int, int]]  # name, number of its first record, records


def stored_records(generation: Generation, root: Path, capacity: int, width: int) -> StoredRecords:
    """Read a generation's records.

    Args:
        generation: verified.
        root: its run directory.
        capacity: of the replay buffer that was written.
        width: numbers in a record.

    Raises:
        CheckpointError: a segment does not verify, or records are missing.
    """
    try:
        described = generation.document["replay"]
        total = int(described["total"])
        segments = [
            (str(n), int(first), int(records)) for n, first, records in described["segments"]
        ]
        found = [_read(generation, root, width, *segment) for segment in segments]
        first = min((segment[1] for segment in segments), default=total)
        end = first
        for _, begin, records in segments:
            if begin != end:
                raise ValueError(f"lacks records {end} to {begin} of its replay buffer")
            end += records
        wanted = min(total, capacity)
        if end != total or total - first < wanted or described["width"] != width:
            raise ValueError(f"lacks records of its replay buffer, {wanted} of {width}")
    except (KeyError, TypeError, IndexError):
        raise CheckpointError(
            f"the checkpoint {generation.path} does not say what its replay buffer holds."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(f"the checkpoint {generation.path} {reason}.") from None
    held = np.concatenate(found)[-wanted:] if wanted else np.zeros((0, width), np.float32)
    return StoredRecords(held, total, segments)


def _read(
    generation: Generation, root: Path, width: int, name: str, first: int, records: int
) -> NDArray[np.float32]:
    content = read_prefix(root, name, generation.grown[name])
    found = np.frombuffer(content, dtype=NUMBER).reshape(records, width)
    if not np.isfinite(found).all():
        raise ValueError(f"has numbers in {name} that are not finite")
    return found.astype(np.float32)
