"""A rosbag2 directory: MCAP files and the `metadata.yaml` that lists them.

The directory is whole at every moment. Each file is written under another name, brought to the
disk and renamed; then `metadata.yaml` is replaced by one that lists it. A process that is killed
leaves a directory with all files that it had finished.
"""

import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from ddpg_ros.files.sealed import write_whole
from ddpg_ros.recording.mcap_file import mcap_bytes
from ddpg_ros.recording.messages import Message, Topic

METADATA = "metadata.yaml"
_OURS = re.compile(r"(latch|all)-\d{8}-\d{6}(-\d+)?")  # names of bags, as the recorder gives them
_VERSION = 9  # of metadata.yaml, Jazzy's
_DISTRO = "jazzy"


class _File(NamedTuple):
    name: str
    begin: int  # [ns]
    end: int  # [ns]
    counts: Counter[str]  # messages by topic
    size: int  # [bytes]


class Bag:
    """A rosbag2 directory that grows file by file."""

    def __init__(self, directory: Path, about: Mapping[str, str]) -> None:
        """Take a directory, which the first file makes, and what each file says about the run."""
        self.directory = directory
        self._about = dict(about)
        self._topics: dict[str, Topic] = {}
        self._files: list[_File] = []
        self._number = 0

    def add_file(self, messages: Sequence[Message], topics: Mapping[str, Topic]) -> int:
        """Write a file with these messages; no file if there are none.

        Args:
            messages: in the order in which they came.
            topics: of all messages, by whole name.

        Returns:
            Its size [bytes].

        Raises:
            OSError: it could not be written; the directory is as before.
        """
        if not messages:
            return 0
        self._topics |= {message.topic: topics[message.topic] for message in messages}
        content = mcap_bytes(messages, topics, self._about)
        times = [message.received for message in messages]
        counts = Counter(message.topic for message in messages)
        name = f"{self.directory.name}_{self._number}.mcap"
        file = _File(name, min(times), max(times), counts, len(content))
        self.directory.mkdir(parents=True, exist_ok=True)
        write_whole(self.directory / name, content)
        self._files.append(file)
        try:
            self._write_metadata()
        except OSError:
            self._files.pop()
            (self.directory / name).unlink(missing_ok=True)
            raise
        self._number += 1
        return file.size

    def drop_oldest(self) -> int:
        """Remove the oldest file, unless it is the only one; return its size [bytes]."""
        if len(self._files) < 2:
            return 0
        oldest = self._files.pop(0)
        self._write_metadata()
        (self.directory / oldest.name).unlink(missing_ok=True)
        return oldest.size

    def _write_metadata(self) -> None:
        text = yaml.safe_dump(self._metadata(), sort_keys=False)
        write_whole(self.directory / METADATA, text.encode())

    def _metadata(self) -> dict[str, object]:
        files, counts = self._files, Counter[str]()
        for file in files:
            counts += file.counts
        begin, end = min(file.begin for file in files), max(file.end for file in files)
        topics = [
            {
                "topic_metadata": {
                    "name": topic.name,
                    "type": topic.type,
                    "serialization_format": "cdr",
                    "offered_qos_profiles": [dict(entry) for entry in topic.qos],
                    "type_description_hash": topic.type_hash,
                },
                "message_count": counts[topic.name],
            }
            for topic in self._topics.values()
        ]
        return {
            "rosbag2_bagfile_information": {
                "version": _VERSION,
                "storage_identifier": "mcap",
                "duration": {"nanoseconds": end - begin},
                "starting_time": {"nanoseconds_since_epoch": begin},
                "message_count": counts.total(),
                "topics_with_message_count": topics,
                "compression_format": "",
                "compression_mode": "",
                "relative_file_paths": [file.name for file in files],
                "files": [
                    {
                        "path": file.name,
                        "starting_time": {"nanoseconds_since_epoch": file.begin},
                        "duration": {"nanoseconds": file.end - file.begin},
                        "message_count": file.counts.total(),
                    }
                    for file in files
                ],
                "custom_data": None,
                "ros_distro": _DISTRO,
            }
        }


def bags_in(folder: Path) -> list[Path]:
    """Return the bags that we have written into a folder, oldest first."""
    bags = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if _OURS.fullmatch(path.name) and (path / METADATA).is_file() and not path.is_symlink()
    ]
    return sorted(bags, key=lambda path: ((path / METADATA).stat().st_mtime, path.name))


def make_room(folder: Path, most: int, growing: Bag) -> list[Path]:
    """Remove the oldest recordings until those of a folder take at most so many bytes.

    Args:
        folder: holds bags.
        most: what they may take [bytes].
        growing: the one that is being written; it goes last, file by file, and keeps its newest.

    Returns:
        What was removed.
    """
    sizes = {bag: sum(file.stat().st_size for file in bag.iterdir()) for bag in bags_in(folder)}
    total, removed = sum(sizes.values()), []
    for bag, size in sizes.items():
        if total > most and bag != growing.directory:
            shutil.rmtree(bag)
            removed.append(bag)
            total -= size
    while total > most and (size := growing.drop_oldest()):
        total -= size
    return removed
