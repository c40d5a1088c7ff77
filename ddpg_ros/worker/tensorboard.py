"""TensorBoard's event file, written at once: its own writer never recovers from a full disk."""

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from ddpg_ros.files.appended import AppendedFile
from ddpg_ros.say import say


class EventsFile:
    """Scalars over steps, in a new file of a folder that TensorBoard reads."""

    def __init__(self, folder: Path) -> None:
        """Begin a file; the folder is made where it is missing."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # the file says the same again, and waits
            say(f"cannot make {folder}: {error.strerror or error}.")
        name = (
            f"events.out.tfevents.{time.time_ns() // 10**9}.{socket.gethostname()}.{os.getpid()}"
        )
        self._file = AppendedFile(folder / name)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add(self, scalars: Mapping[str, float], step: int) -> None:
        """Write numbers by their tags, as of a step."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def close(self) -> str:
        """Write what waits, and close; return why it is not whole, or nothing."""
        return self._file.close()

    def _write(self, event: Event) -> None:
        record = _Bytes()
        RecordWriter(record).write(event.SerializeToString())  # length, checksums, content
        self._file.append(record.content)


class _Bytes:
    def __init__(self) -> None:
        self.content = b""

    def write(self, content: bytes) -> None:
        self.content += content
