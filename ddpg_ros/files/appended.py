"""A log file that grows by whole pieces; while the disk is full, new pieces wait in memory."""

import logging
import os
from pathlib import Path
from typing import BinaryIO

from ddpg_ros.files.last_resort import keep
from ddpg_ros.files.sealed import write_whole

_LOG = logging.getLogger(__name__)


class AppendedFile:
    """Appends pieces in order, each whole or not at all, and warns once when they must wait."""

    def __init__(self, path: Path, keep: int = 0) -> None:
        """Remember the path; the first successful write creates or truncates the file.

        Args:
            path: the file.
            keep: how much of an existing file to keep [bytes].
        """
        self._path, self._end = path, keep
        self._file: BinaryIO | None = None
        self._waiting: list[bytes] = []
        self._complained = False

    def append(self, piece: bytes) -> None:
        """Write a piece after the waiting ones; on failure it waits, and nothing is raised."""
        self._waiting.append(piece)
        try:
            self._write()
        except OSError as error:
            if not self._complained:
                self._complained = True
                _LOG.warning(
                    "cannot write %s: %s. What belongs there waits in memory until there is room.",
                    self._path,
                    error.strerror or error,
                )
        else:
            if self._complained:
                self._complained = False
                _LOG.info("%s is written again, and nothing is missing from it.", self._path)

    def _write(self) -> None:
        if self._file is None:
            self._file = self._path.open("ab", buffering=0)
            self._file.truncate(self._end)
        content = b"".join(self._waiting)
        written = 0
        try:
            while written < len(content):
                written += self._file.write(content[written:])
        except OSError:
            self._file.truncate(self._end)  # removes a piece that was written in part
            raise
        self._end += len(content)
        self._waiting.clear()

    def sync(self) -> None:
        """Put all that was appended on the disk.

        Raises:
            OSError: the disk failed, or pieces wait in memory for room.
        """
        if self._waiting or self._file is None:
            self._write()
        assert self._file is not None
        os.fsync(self._file.fileno())

    def close(self) -> str:
        """Try to write the waiting pieces, then close the file; a second call does nothing.

        Returns:
            Empty, or a sentence: why the file is incomplete, and where a complete copy is.
        """
        if self._waiting:
            self.append(b"")
        if self._file is not None:
            self._file.close()
            self._file = None
        waiting, self._waiting = b"".join(self._waiting), []
        return self._keep_elsewhere(waiting) if waiting else ""

    def _keep_elsewhere(self, waiting: bytes) -> str:
        def write(path: Path) -> None:
            written = self._path.read_bytes()[: self._end] if self._end else b""
            write_whole(path, written + waiting)

        return keep(self._path, write, 0.0)[1]
