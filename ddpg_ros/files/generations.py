"""Generations: folders that are written whole or not at all, and verified before they are used.

A generation is a folder `generation-000012` with some files and a `manifest.json`, which holds
the size and the SHA-256 of each file, a JSON document, and a checksum of itself. It may also refer
to files of the run that only grow, such as a log: the manifest has the length that belongs to the
generation, and the SHA-256 of that prefix. What was appended later does not concern it.

The order of writing: a temporary folder, each file to the disk, the manifest last, the folder to
the disk, then the new name. A process that is killed at any point leaves the generations before.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.errors import CheckpointError, shortened
from ddpg_ros.files.disk_space import require_space
from ddpg_ros.files.manifest import (
    MANIFEST,
    Extent,
    extents_of,
    manifest_bytes,
    open_regular,
    read_manifest,
)

KEPT = 3
"""Number of generations that `prune` leaves."""

_NAME = re.compile(r"generation-(\d{6,12})")
_WRITING = ".writing-"
_INNER = re.compile(r"\w[\w.-]{0,200}")  # a name without a separator, and not `..`
_BLOCK = 2**20  # [bytes]


Check = Callable[[dict[str, Any], dict[str, Extent]], None]
"""Looks at the document of a generation, and at the growing files that it refers to."""


class Generation(NamedTuple):
    """A generation whose every byte was verified."""

    path: Path
    number: int
    document: dict[str, Any]
    grown: dict[str, Extent]  # files that only grow, by their paths below the run directory


def write_generation(
    folder: Path,
    number: int,
    files: Mapping[str, bytes],
    grown: Mapping[str, Extent],
    document: dict[str, Any],
) -> Path:
    """Write a generation; those that are there stay as they are.

    Args:
        folder: of the generations.
        number: larger than that of every other one, see `next_number`.
        files: its files by their names.
        grown: what belongs to it of files that only grow; they are on the disk already.
        document: JSON.

    Raises:
        OSError: the write failed, or the disk has no room; no such generation is left.
    """
    contents = {**files, MANIFEST: manifest_bytes(files, grown, document)}
    require_space(folder, sum(map(len, contents.values())))
    temporary = folder / f"{_WRITING}{number:06d}"
    path = folder / f"generation-{number:06d}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        for name, content in contents.items():  # the manifest is the last one
            _write(temporary / name, content)
        sync_folder(temporary)
        temporary.rename(path)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(folder)
    return path


def next_number(folder: Path) -> int:
    """Return a number larger than that of every generation in a folder, damaged ones included."""
    return max((number for number, _ in list_generations(folder)), default=0) + 1


def list_generations(folder: Path) -> list[tuple[int, Path]]:
    """Return number and path of each generation of a folder, the newest first; none is read."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in folder.iterdir():
            match = _NAME.fullmatch(path.name)
            if match is not None:
                found.append((int(match[1]), path))
    return sorted(found, reverse=True)


def newest_generation(
    folder: Path, root: Path, check: Check | None = None
) -> tuple[Generation | None, list[str]]:
    """Return the newest generation that verifies, and why newer ones do not.

    Args:
        folder: of the generations.
        root: the run directory, which the paths of growing files are relative to.
        check: see `read_generation`.

    Returns:
        The generation, None if there is none, and one sentence for each generation refused.
    """
    refusals: list[str] = []
    return next(verified(folder, root, refusals, check), None), refusals


def verified(
    folder: Path, root: Path, refusals: list[str], check: Check | None = None
) -> Iterator[Generation]:
    """Yield the generations that verify, the newest first.

    Args:
        folder: of the generations.
        root: the run directory, which the paths of growing files are relative to.
        refusals: receives one sentence for each generation that does not verify.
        check: see `read_generation`.
    """
    for _, path in list_generations(folder):
        generation, why = _try_to_read(path, root, check)
        if generation is not None:
            yield generation
        else:
            refusals.append(why)


def _try_to_read(path: Path, root: Path, check: Check | None) -> tuple[Generation | None, str]:
    try:
        return read_generation(path, root, check), ""
    except CheckpointError as error:
        return None, str(error)


def read_generation(path: Path, root: Path, check: Check | None = None) -> Generation:
    """Verify a generation: every file, and every prefix of a growing file that it refers to.

    Args:
        path: of the generation.
        root: the run directory, which the paths of growing files are relative to.
        check: raises ValueError for a document that does not say what it should.

    Raises:
        CheckpointError: it is damaged, or of another schema version; the sentence says which
            file, and how.
    """
    match = _NAME.fullmatch(path.name)
    try:
        if match is None:
            raise ValueError("has no such name as generation-000012")
        if path.is_symlink():
            raise ValueError("is a link; expected a folder")
        manifest = read_manifest(path / MANIFEST)
        document, grown = manifest["document"], extents_of(manifest["grown"])
        for name, extent in extents_of(manifest["files"]).items():
            _verify(path, name, extent, whole=True)
        if check is not None:
            check(document, grown)
        for name, extent in grown.items():
            _verify(root, name, extent, whole=False)
    except OSError as error:
        name = Path(error.filename).name if error.filename else "a file of it"
        raise CheckpointError(
            f"the checkpoint {path}: {name} cannot be read ({error.strerror})."
        ) from None
    except ValueError as error:
        raise CheckpointError(f"the checkpoint {path} {error}.") from None
    except (KeyError, TypeError, AttributeError):  # sealed, and yet of another form
        raise CheckpointError(f"the checkpoint {path} has a {MANIFEST} of another form.") from None
    return Generation(path, int(match[1]), document, grown)


def referred(path: Path) -> set[str]:
    """Return the growing files that a generation refers to; empty if that cannot be read."""
    try:
        return set(extents_of(read_manifest(path / MANIFEST)["grown"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def prune(folder: Path, needed: Path | None = None, kept: int = KEPT) -> list[Path]:
    """Remove all but the newest generations, and what a killed process left half-written.

    Args:
        folder: of the generations.
        needed: one that stays, however old it is.
        kept: how many of the newest stay.

    Returns:
        The generations that stay.
    """
    generations = [path for _, path in list_generations(folder)]
    stay = [path for place, path in enumerate(generations) if place < kept or path == needed]
    for path in generations:
        if path in stay:
            continue
        (path / MANIFEST).unlink(missing_ok=True)  # first: what is left of it is none any more
        shutil.rmtree(path)
    for path in folder.glob(f"{_WRITING}*"):
        shutil.rmtree(path, ignore_errors=True)
    return stay


def read_prefix(root: Path, name: str, extent: Extent) -> bytes:
    """Return the verified prefix of a growing file.

    Raises:
        ValueError: it does not verify; the message continues a sentence.
        OSError: it cannot be read.
    """
    content = bytearray()
    _verify(root, name, extent, whole=False, take=content.extend)
    return bytes(content)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _verify(root: Path, name: str, extent: Extent, whole: bool, take: Any = None) -> None:
    """Verify a file, or its prefix, below a folder that none of its names leaves."""
    parts = name.split("/")
    if not all(map(_INNER.fullmatch, parts)):
        raise ValueError(f"names the file {shortened(repr(name))}; expected one below its run")
    path = root
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise ValueError(f"has a link for {name}; expected a file")
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size < extent.bytes or (whole and size != extent.bytes):
            raise ValueError(f"has {size} bytes of {name}; expected {extent.bytes}")
        digest, left = hashlib.sha256(), extent.bytes
        while left and (block := file.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
            if take is not None:
                take(block)
    if digest.hexdigest() != extent.sha256:
        raise ValueError(f"does not match the checksum of {name}")
