"""The manifest of a generation: its files, what it says, and a checksum of both."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.errors import shortened

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1

_LIMIT = 2**24  # [bytes]


class Extent(NamedTuple):
    """The part of a file that belongs to a generation."""

    bytes: int
    sha256: str


def manifest_bytes(
    files: Mapping[str, bytes], grown: Mapping[str, Extent], document: dict[str, Any]
) -> bytes:
    """Return the content of a manifest.

    Args:
        files: of the generation, by their names.
        grown: what belongs to it of files that only grow.
        document: JSON.
    """
    manifest: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "files": {name: _extent(content)._asdict() for name, content in files.items()},
        "grown": {name: extent._asdict() for name, extent in grown.items()},
        "document": document,
    }
    manifest["sha256"] = _seal(manifest)
    return json.dumps(manifest, indent=1).encode()


def read_manifest(path: Path) -> dict[str, Any]:
    """Return a manifest whose checksum is right.

    Raises:
        ValueError: it is missing, damaged or of another schema version; the message continues a
            sentence.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > _LIMIT:
            raise ValueError(f"has a {MANIFEST} above {_LIMIT} bytes")
        content = file.read()
    try:
        manifest = json.loads(content)
        version = manifest["schema_version"]
        sealed = manifest.pop("sha256")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"has a {MANIFEST} that is not whole") from None
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"has schema version {shortened(ascii(version))}{_writer(manifest)}; this package "
            f"reads {SCHEMA_VERSION}: use the version of ddpg_ros that wrote it"
        )
    try:
        matches = sealed == _seal(manifest)
    except RecursionError:  # nested too deep to be written again
        matches = False
    if not matches:
        raise ValueError(f"has a {MANIFEST} that does not match its checksum")
    return dict(manifest)


def extents_of(found: dict[str, dict[str, Any]]) -> dict[str, Extent]:
    """Return which files a manifest names, and how much of each.

    Raises:
        ValueError, TypeError, AttributeError: there are others than a size and a checksum.
    """
    extents = {name: Extent(**extent) for name, extent in found.items()}
    for name, (size, digest) in extents.items():
        named = shortened(ascii(name), 60)
        if type(size) is not int or not 0 <= size < 2**63:
            raise ValueError(f"says that {named} has {shortened(ascii(size), 60)} bytes")
        if type(digest) is not str:
            raise ValueError(f"gives {named} the checksum {shortened(ascii(digest), 60)}")
    return extents


def open_regular(path: Path) -> Any:
    """Open a regular file; a pipe or a device could block without end."""
    if not path.is_file():
        problem = "is no regular file" if path.exists() or path.is_symlink() else "is missing"
        raise ValueError(f"is not whole: {path.name} {problem}")
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    return os.fdopen(number, "rb")


def _extent(content: bytes) -> Extent:
    return Extent(len(content), hashlib.sha256(content).hexdigest())


def _seal(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _writer(manifest: dict[str, Any]) -> str:
    """Return which version wrote a manifest, as far as it says so, for a sentence."""
    try:
        found = manifest["document"]["about"]["package_version"]
        return f", of ddpg_ros {shortened(ascii(found).strip(chr(39)), 40)}"
    except (KeyError, TypeError):
        return ""
