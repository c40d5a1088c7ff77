"""The log of a training: metrics.csv, one row an episode, and the same as TensorBoard events."""

import csv
import hashlib
import io
import logging
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from ddpg_ros.algo.report import Report
from ddpg_ros.algo.update import Metrics
from ddpg_ros.config.run_directory import METRICS
from ddpg_ros.files.appended import AppendedFile
from ddpg_ros.files.manifest import Extent
from ddpg_ros.types import Episode

_LOG = logging.getLogger(__name__)

Row = dict[str, float | int | str]

_EVENTS = "tensorboard"


class Kept(NamedTuple):
    """What of the logs of an earlier process belongs to the run."""

    rows: int | None = 0  # [bytes] of metrics.csv; None: every whole row
    events: Mapping[str, int] | None = None  # [bytes] of each event file; None: all of all


NOTHING = Kept()
ALL = Kept(rows=None)


class MetricsLog:
    """Collects the reports of the updates and writes one row an episode.

    A row holds no wall time, so that a reproducible run writes the same bytes; the share of time
    that the worker waited goes to TensorBoard alone.
    """

    def __init__(self, run_dir: Path, kept: Kept = NOTHING) -> None:
        """Open both logs in the run directory.

        Args:
            run_dir: their folder.
            kept: what of an earlier process's logs belongs to the run; the rest is discarded.
        """
        self._path, self._folder = run_dir / METRICS, run_dir / _EVENTS
        rows = _whole_rows(self._path, kept.rows)
        self._file = AppendedFile(self._path, len(rows))
        self._file.append(b"")  # makes the file
        header, *episodes = [*csv.reader(io.StringIO(rows.decode(), newline=""))] or [[]]
        self._names: list[str] = header
        if kept.events is not None:
            _truncate_events(self._folder, kept.events)
        self._events = EventsFile(self._folder)
        self._episodes = len(episodes)
        self._reports: list[Report] = []
        self._row_began = time.perf_counter()
        self.waited = 0.0
        """Time without work since the last row [s]; the worker's loop adds to it."""

    def add(self, report: Report) -> None:
        """Collect the report of some updates."""
        self._reports.append(report)

    def write(self, step: int, updates: int, replay_fill: int, episode: Episode) -> None:
        """Write a row: an episode, and a summary of the updates since the last row.

        Args:
            step: environment steps at the episode's end.
            updates: updates done by then.
            replay_fill: transitions in the replay buffer.
            episode: its result.
        """
        self._episodes += 1
        row: Row = {
            "step": step,
            "episode": self._episodes,
            "return": episode.episode_return,
            "length": episode.length,
            "success": int(episode.success),
            "terminated": int(episode.terminated),
            **{f"reward_{name}": value for name, value in episode.terms.items()},
            "updates": updates,
            "updates_per_step": updates / step if step else 0.0,
            "replay_fill": replay_fill,
            **self._of_updates(),
        }
        self._write_row(row)
        self._write_events(row, step)

    def _write_row(self, row: Row) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._names or list(row))
        if not self._names:
            self._names = list(row)
            writer.writeheader()
        writer.writerow(row)
        self._file.append(text.getvalue().encode())

    def _write_events(self, row: Row, step: int) -> None:
        now = time.perf_counter()
        waiting = {"waiting": self.waited / (now - self._row_began)}
        self._row_began, self.waited = now, 0.0
        self._events.add(
            {
                f"train/{name}": float(value)
                for name, value in (row | waiting).items()
                if name != "step" and value != ""
            },
            step,
        )

    def _of_updates(self) -> Row:
        """Summarise the reports: extremes of the values, number of skipped, means of the rest."""
        names = Metrics._fields
        if not self._reports:
            return dict.fromkeys(names, "")
        rows = np.concatenate([report.rows for report in self._reports])
        self._reports.clear()
        sound = rows[rows[:, names.index("skipped")] == 0]
        figures: Row = {}
        for column, name in enumerate(names):
            if name == "skipped":
                figures[name] = len(rows) - len(sound)
            elif not len(sound):
                figures[name] = ""
            else:
                sum_up = {"q_min": np.min, "q_max": np.max}.get(name, np.mean)
                figures[name] = float(sum_up(sound[:, column]))
        return figures

    def extent(self) -> dict[str, Extent]:
        """Put the rows so far on the disk, and return how many bytes they are, and their hash.

        Raises:
            OSError: rows wait in memory for room, or the disk failed.
        """
        self._file.sync()
        content = self._path.read_bytes()
        return {METRICS: Extent(len(content), hashlib.sha256(content).hexdigest())}

    def event_files(self) -> dict[str, int]:
        """Return the size of each event file [bytes]."""
        return {path.name: path.stat().st_size for path in _event_files(self._folder)}

    def close(self) -> None:
        """Write what waits, and close both logs."""
        for log in (self._file, self._events):
            if why := log.close():
                _LOG.warning("%s.", why)


def _whole_rows(path: Path, limit: int | None) -> bytes:
    """Return the complete rows of a log, without one that a killed worker left unfinished."""
    content = path.read_bytes()[:limit] if path.exists() else b""
    return content[: content.rfind(b"\n") + 1]


def _event_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("events.out.tfevents.*"))


def _truncate_events(folder: Path, sizes: Mapping[str, int]) -> None:
    """Discard what came after a checkpoint: TensorBoard would show those steps twice."""
    try:
        for path in _event_files(folder):
            if path.name not in sizes:
                path.unlink()
            elif path.stat().st_size > sizes[path.name]:
                os.truncate(path, sizes[path.name])
    except OSError as error:
        _LOG.warning("TensorBoard shows steps of %s twice: %s.", folder, error.strerror or error)


class EventsFile:
    """Scalars over steps, in a new event file of a folder that TensorBoard reads.

    Each event is written at once: TensorBoard's own writer never recovers from a full disk.
    """

    def __init__(self, folder: Path) -> None:
        """Begin a file; make the folder if it is missing."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # the file logs its own error, and waits for room
            _LOG.warning("cannot make %s: %s.", folder, error.strerror or error)
        name = (
            f"events.out.tfevents.{time.time_ns() // 10**9}.{socket.gethostname()}.{os.getpid()}"
        )
        self._file = AppendedFile(folder / name)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add(self, scalars: Mapping[str, float], step: int) -> None:
        """Write scalars by their tags, for a step."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def close(self) -> str:
        """Write what waits, and close; return why the file is not whole, or nothing."""
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
