"""Reads recordings: `.mcap` files and rosbag2 directories, whole or not at all."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from mcap.records import Channel, Metadata, Schema, Statistics
from mcap.records import Message as McapMessage
from mcap.stream_reader import StreamReader
from mcap_ros2.decoder import DecoderFactory

from ddpg_ros.errors import RecordingError, shortened
from ddpg_ros.files.kinds import is_regular, is_special
from ddpg_ros.recording.bag import METADATA
from ddpg_ros.recording.mcap_file import OWN

MAGIC = bytes([137, 77, 67, 65, 80, 48, 13, 10])
"""How an MCAP file begins, and ends if it is whole."""

_BAG = "rosbag2_bagfile_information"
_NOT_ENDED = (
    "is cut off: it does not end as an MCAP file does. What wrote it was killed, or the copy is "
    "not complete; copy it again, or save what is there with `mcap recover` and give that file"
)


@dataclass(frozen=True)
class TopicContent:
    """A topic of a recording, and its messages as bytes in the order of the file."""

    name: str
    type: str
    decode: Callable[[bytes], Any] | None  # None: not ROS 2's
    messages: list[bytes] = field(default_factory=list)
    bags: list[Path] = field(default_factory=list)  # of each message: where its file lies


@dataclass
class Recording:
    """The content of one recording."""

    path: Path
    files: list[Path] = field(default_factory=list)
    topics: dict[str, TopicContent] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Messages by name and type of the topic, of all topics."""
    about: dict[str, str] = field(default_factory=dict)  # of our own metadata record
    begin: int = 0  # [ns] since 1970
    end: int = 0  # [ns]
    bytes: int = 0  # on the disk

    @property
    def seconds(self) -> float:
        """Time from the first message to the last [s]."""
        return 1e-9 * (self.end - self.begin)

    def decoded(self, topic: TopicContent) -> Iterator[Any]:
        """Return the messages of a topic as objects with the fields of their type.

        Raises:
            RecordingError: bytes that are none of that type.
        """
        if topic.decode is None:
            raise RecordingError(
                f"{self.path}: {topic.name} holds {topic.type}, which is not written as ROS 2 "
                "does; record it with ros2 bag or with this package."
            )
        for number, data in enumerate(topic.messages):
            try:
                yield topic.decode(data)
            except Exception as error:  # noqa: PERF203 (whatever a reader stumbles over)
                what = shortened(" ".join(str(error).split()) or type(error).__name__)
                raise RecordingError(
                    f"{self.path}: message {number} of {topic.name} is no {topic.type} ({what}); "
                    "the recording is damaged."
                ) from None


def files_of(path: Path) -> list[Path]:
    """Return the MCAP files of a recording, in order.

    Args:
        path: an `.mcap` file, a rosbag2 directory, or a folder of those, such as the one that a
            run leaves.

    Raises:
        RecordingError: it is none of these.
    """
    if is_special(path):
        raise RecordingError(f"{path} is a pipe or a device; expected a recording.")
    if is_regular(path):
        return [path]
    try:
        if (path / METADATA).is_file():
            return _listed(path)
        found = [
            file
            for bag in sorted(path.iterdir())
            if (bag / METADATA).is_file()
            for file in _listed(bag)
        ]
        found = found or sorted(path.glob("*.mcap"))
    except (OSError, ValueError) as error:
        raise RecordingError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); expected an "
            ".mcap file, or the directory of a rosbag2 recording."
        ) from None
    if not found:
        raise RecordingError(
            f"{path} holds no recording; expected an .mcap file, or a directory with {METADATA} "
            "as rosbag2 writes one."
        )
    return found


def _listed(bag: Path) -> list[Path]:
    """Return the files that `metadata.yaml` lists; names lead nowhere but into the directory."""
    try:
        about = yaml.safe_load((bag / METADATA).read_text(encoding="utf-8"))[_BAG]
        kind, names = about["storage_identifier"], list(about["relative_file_paths"])
        files = [bag / Path(str(name)).name for name in names]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError) as error:
        what = shortened(" ".join(str(error).split()))
        raise RecordingError(
            f"{bag / METADATA} is not what rosbag2 writes ({what}); give the .mcap files "
            "themselves."
        ) from None
    if kind != "mcap":
        raise RecordingError(
            f"{bag} is stored as {shortened(str(kind))}; expected mcap. Convert it with "
            "`ros2 bag convert`."
        )
    missing = [file.name for file in files if not is_regular(file)]
    if missing:
        raise RecordingError(f"{bag} lacks {missing[0]}, which its {METADATA} lists.")
    return files


def is_recording(path: Path) -> bool:
    """Return whether a path looks like a recording: by its name, its first bytes or its files."""
    try:
        if path.is_dir():
            return (path / METADATA).is_file() or any(path.glob(f"*/{METADATA}"))
        if not is_regular(path):
            return False
        with path.open("rb") as stream:
            return path.suffix == ".mcap" or stream.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def read_recording(path: Path, wanted: Callable[[str, str], bool]) -> Recording:
    """Read a recording, and check that it is whole.

    Args:
        path: see `files_of`.
        wanted: says by name and type of a topic whether its messages are kept.

    Raises:
        RecordingError: it is missing, cut off, damaged, or no recording.
    """
    recording = Recording(path)
    times: list[int] = []
    for file in files_of(path):
        if is_special(file):
            raise RecordingError(f"{file} is a pipe or a device; expected a recording.")
        with _explained(file):
            _read_file(file, recording, wanted, times)
        recording.files.append(file)
    recording.begin, recording.end = min(times, default=0), max(times, default=0)
    return recording


def _read_file(
    file: Path, recording: Recording, wanted: Callable[[str, str], bool], times: list[int]
) -> None:
    size = file.stat().st_size
    recording.bytes += size
    schemas: dict[int, Schema] = {}
    channels: dict[int, tuple[tuple[str, str], TopicContent | None]] = {}
    decoders = DecoderFactory()
    before = len(times)
    with file.open("rb") as stream:
        _require_ends(stream.fileno(), size)
        for record in StreamReader(stream, validate_crcs=True, record_size_limit=size).records:
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Metadata) and record.name == OWN:
                recording.about |= record.metadata
            elif isinstance(record, Channel):
                schema = schemas.get(record.schema_id)
                kind = schema.name if schema else "?"
                content = None
                if wanted(record.topic, kind):
                    decode = decoders.decoder_for(record.message_encoding, schema)
                    content = recording.topics.setdefault(
                        record.topic, TopicContent(record.topic, kind, decode)
                    )
                channels[record.id] = (record.topic, kind), content
            elif isinstance(record, Statistics) and record.message_count != len(times) - before:
                raise ValueError(
                    f"holds {len(times) - before} messages, and its index {record.message_count}"
                )
            elif isinstance(record, McapMessage):
                times.append(record.log_time)
                topic, content = channels[record.channel_id]
                recording.counts[topic] += 1
                if content is not None:
                    content.messages.append(record.data)
                    content.bags.append(file.parent)


def _require_ends(descriptor: int, size: int) -> None:
    begin = os.pread(descriptor, len(MAGIC), 0)
    if begin != MAGIC:
        raise ValueError("is no MCAP file; expected one as ros2 bag or this package writes it")
    if size < 2 * len(MAGIC) or os.pread(descriptor, len(MAGIC), size - len(MAGIC)) != MAGIC:
        raise ValueError(_NOT_ENDED)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Turn what a reader of a damaged file may raise into a sentence."""
    try:
        yield
    except RecordingError:
        raise
    except OSError as error:
        raise RecordingError(f"{file} cannot be read ({error.strerror or error}).") from None
    except Exception as error:  # damaged bytes: whatever the libraries stumble over
        what = " ".join(str(error).split()) or type(error).__name__
        if not what.startswith("is "):
            what = f"is damaged ({shortened(what)}); copy it again, or leave it out"
        raise RecordingError(f"{file} {what}.") from None
