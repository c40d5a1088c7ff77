"""The log of a training: metrics.csv, one row an episode, and the same as TensorBoard events."""

import csv
import io
import logging
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from ddpg_ros.algo.learner import Report
from ddpg_ros.algo.update import Metrics
from ddpg_ros.config.run_directory import METRICS
from ddpg_ros.files.appended import AppendedFile
from ddpg_ros.types import Episode

_LOG = logging.getLogger(__name__)

Row = dict[str, float | int | str]


class MetricsLog:
    """Collects the reports of the updates and writes one row an episode.

    A row holds no wall time, so that a reproducible run writes the same bytes; the share of time
    that the worker waited goes to TensorBoard alone.
    """

    def __init__(self, run_dir: Path, go_on: bool = False) -> None:
        """Open both logs in the run directory.

        Args:
            run_dir: their folder.
            go_on: append to the rows that are there; otherwise discard them.
        """
        path = run_dir / METRICS
        rows = _whole_rows(path) if go_on else b""
        self._file = AppendedFile(path, len(rows))
        self._file.append(b"")  # makes the file
        self._names = rows.decode().splitlines()[0].split(",") if rows else []
        self._events = EventsFile(run_dir / "tensorboard")
        self._episodes = max(0, rows.count(b"\n") - 1)
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

    def close(self) -> None:
        """Write what waits, and close both logs."""
        for log in (self._file, self._events):
            if why := log.close():
                _LOG.warning("%s.", why)


def _whole_rows(path: Path) -> bytes:
    """Return the complete rows of a log, without one that a killed worker left unfinished."""
    content = path.read_bytes() if path.exists() else b""
    return content[: content.rfind(b"\n") + 1]


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
