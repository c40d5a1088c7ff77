"""What the greedy episodes came to: evaluation.csv, one row an episode."""

import csv
import io
import time
from pathlib import Path

from ddpg_ros.appended_file import AppendedFile
from ddpg_ros.last_resort import keep
from ddpg_ros.run_directory import EVALUATION
from ddpg_ros.sealed_file import write_whole
from ddpg_ros.types import Episode


class GreedyLog:
    """Collects greedy episodes, and how fast they ran."""

    def __init__(self, run_dir: Path | None) -> None:
        """Take the run directory; None writes no file."""
        self._run_dir = run_dir
        self._file: AppendedFile | None = None
        self._began_at: float | None = None  # [s], monotonic
        self.episodes: list[Episode] = []
        self.steps_per_s = 0.0
        """Steps over wall time since `start_clock`."""

    @property
    def count(self) -> int:
        """Finished episodes."""
        return len(self.episodes)

    def start_clock(self) -> None:
        """Take note that the first state is there; later calls do nothing."""
        if self._began_at is None:
            self._began_at = time.monotonic()

    def open(self) -> None:
        """Begin the file."""
        if self._run_dir is not None:
            self._file = AppendedFile(self._run_dir / EVALUATION)
            self._file.append(_line("episode", "return", "length", "success"))

    def add(self, episode: Episode) -> None:
        """Take note of a finished episode."""
        self.episodes.append(episode)
        if self._began_at is not None:
            steps = sum(past.length for past in self.episodes)
            self.steps_per_s = steps / (time.monotonic() - self._began_at)
        if self._file is not None:
            self._file.append(_row(len(self.episodes), episode))

    def close(self, patience: float = 0.0) -> str:
        """Close the file; a second call does nothing.

        Args:
            patience: how long to try again where there is no room [s].

        Returns:
            Why it is not whole, and where it is, or nothing.
        """
        log, self._file = self._file, None
        if log is None or self._run_dir is None:
            return ""
        log.close()
        if log.whole:
            return ""
        rows = [_row(number, episode) for number, episode in enumerate(self.episodes, 1)]
        content = b"".join((_line("episode", "return", "length", "success"), *rows))
        path = self._run_dir / EVALUATION
        return keep(path, lambda place: write_whole(place, content), patience)[1]


def _row(number: int, episode: Episode) -> bytes:
    return _line(number, episode.episode_return, episode.length, int(episode.success))


def _line(*fields: object) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().encode()
