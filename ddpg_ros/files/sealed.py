"""Sealed files: safetensors with arrays, one JSON document, and a checksum of both.

Policies and checkpoints are sealed files. The checksum detects damage, not malice.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ddpg_ros.files.kinds import is_special

KINDS = {"policy", "checkpoint", "experience", "warm_start"}

_HEADER_AT = 8  # the header of safetensors, after its length

_UNREADABLE = (SafetensorError, OSError, TypeError, ValueError, AttributeError)
"""What safetensors raises for a damaged file."""


def seal(document: Any, tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of a document and its tensors."""
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
) -> None:
    """Write arrays and a document; the old file stays intact until the new one is complete.

    Args:
        path: the file.
        kind: one of `KINDS`, the key of the document in the metadata.
        document: JSON; its checksum is added as `sha256`.
        tensors: the arrays.

    Raises:
        OSError: the write failed; the old file is intact.
    """
    write_whole(path, sealed_bytes(kind, document, tensors))


def sealed_bytes(kind: str, document: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> bytes:
    """Return the content of a sealed file; see `write_sealed`."""
    sealed = document | {"sha256": seal(document, tensors)}
    metadata = {kind: json.dumps(sealed)}  # safetensors would shuffle several entries
    content: bytes = save(tensors, metadata=metadata)
    return content


def read_sealed(
    path: Path, kind: str, size_limit: int
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the document and the arrays of a sealed file whose checksum is right.

    Args:
        path: the file.
        kind: the expected one of `KINDS`.
        size_limit: a larger file is not read [bytes].

    Raises:
        ValueError: the file is missing, damaged, too large or of another kind. The message
            continues a sentence that starts with the file's name, and has no full stop.
    """
    if is_special(path):
        raise ValueError("is a pipe or a device; expected a regular file")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    except ValueError as error:  # a zero byte in the name
        raise ValueError(f"cannot be read ({error})") from None
    if path.is_dir():
        raise ValueError("is a directory; expected a file")
    if size > size_limit:
        raise ValueError(f"has {size} bytes; a {kind} has at most {size_limit}")
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except _UNREADABLE as error:
        if _is_another(path):
            raise ValueError(f"is a file of another kind; expected a {kind}") from None
        raise ValueError(f"is not a whole {kind} file ({size} bytes; {error})") from None
    document = _document(metadata, kind)
    if document.pop("sha256") != seal(document, arrays):
        raise ValueError("does not match its checksum")
    return document, arrays


def require_version(document: Mapping[str, Any], version: int) -> None:
    """Refuse the document of another schema version.

    Raises:
        ValueError: the message continues a sentence that starts with the file's name.
    """
    found = document["schema_version"]
    if found != version:
        raise ValueError(
            f"has schema version {found}; this package reads {version}: use the version of "
            "ddpg_ros that wrote it"
        )


def require_finite(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Refuse arrays with numbers that are not finite.

    Raises:
        ValueError: the message continues a sentence that starts with the file's name.
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"has numbers in {name} that are not finite")


def _is_another(path: Path) -> bool:
    """Return whether a file that cannot be read was none of safetensors, whole or cut."""
    try:
        with path.open("rb") as file:
            file.seek(_HEADER_AT)
            return file.read(1) not in (b"{", b"")
    except OSError:
        return False


def _document(metadata: Mapping[str, str], kind: str) -> dict[str, Any]:
    others = KINDS & metadata.keys() - {kind}
    if others:
        raise ValueError(f"is a {', '.join(others)}; expected a {kind}")
    try:
        document: dict[str, Any] = json.loads(metadata[kind])
        complete = "sha256" in document and "schema_version" in document
    except (KeyError, TypeError, ValueError, RecursionError):
        complete = False
    if not complete or not isinstance(document, dict):
        raise ValueError(f"has no {kind} in its metadata; expected a file that training wrote")
    return document


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: the content reaches the disk before its name changes.

    Args:
        path: the file.
        content: all of it.

    Raises:
        OSError: the write failed; the old file is intact.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # puts the new name on the disk
    finally:
        os.close(folder)
