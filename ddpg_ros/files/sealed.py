"""Safetensors files that notice damage: arrays, one JSON document, and a checksum of both."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ddpg_ros.files.kinds import is_special

_NOT_WHOLE = (
    SafetensorError,
    OSError,
    TypeError,
    ValueError,
    KeyError,
    AttributeError,
    RecursionError,
)


def seal(document: Any, tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of a file's document and tensors: it notices damage, not malice."""
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_sealed(
    path: Path,
    kind: str,
    document: dict[str, Any],
    tensors: dict[str, NDArray[Any]],
    previous: Path | None = None,
) -> None:
    """Write arrays and a document; the old file is whole until the new one is.

    Args:
        path: the file.
        kind: names the document in the metadata.
        document: JSON; its checksum is added as `sha256`.
        tensors: the arrays.
        previous: what to call the old file from then on; None does without it.

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    sealed = document | {"sha256": seal(document, tensors)}
    metadata = {kind: json.dumps(sealed)}  # one entry: safetensors shuffles several
    write_whole(path, save(tensors, metadata=metadata), previous)


def read_sealed(
    path: Path, kind: str, size_limit: int
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the document and the arrays of a file that is whole.

    Raises:
        ValueError: it is not; the message goes on from the file's name, without a full stop.
    """
    if is_special(path):
        raise ValueError("is a pipe or a device; expected a regular file")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if size > size_limit:
        raise ValueError(f"has {size} bytes; expected at most {size_limit}")
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            document: dict[str, Any] = json.loads((file.metadata() or {})[kind])
        checksum = document.pop("sha256")
    except _NOT_WHOLE as error:
        raise ValueError(f"is not a whole {kind} ({error})") from None
    if checksum != seal(document, arrays):
        raise ValueError("has another checksum than its content")
    return document, arrays


def write_whole(path: Path, content: bytes, previous: Path | None = None) -> None:
    """Bring the content to the disk beside the old file, and only then change the names.

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if previous is not None and path.exists():
            path.replace(previous)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too
    finally:
        os.close(folder)
