"""What the greedy episodes came to: evaluation.csv, one row an episode."""

import csv
import io
import time
from pathlib import Path

from ddpg_ros.config.run_directory import EVALUATION
from ddpg_ros.files.appended import AppendedFile
from ddpg_ros.types import Episode


class EvaluationLog:
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
            row = (len(self.episodes), episode.episode_return, episode.length)
            self._file.append(_line(*row, int(episode.success)))

    def close(self) -> str:
        """Close the file; a second call does nothing.

        Returns:
            Why it is not whole, and where there is one that is, or nothing.
        """
        log, self._file = self._file, None
        return "" if log is None else log.close()


def _line(*fields: object) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().encode()
