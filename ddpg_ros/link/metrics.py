"""The log of a training: metrics.csv, one row an episode, and the same as TensorBoard events."""

import csv
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from ddpg_ros.algo.update import Metrics
from ddpg_ros.run_directory import METRICS
from ddpg_ros.types import Episode


class MetricsLog:
    """Sums what the updates report and writes one row an episode.

    A row holds no wall time, so that a reproducible run writes the same bytes.
    """

    def __init__(self, run_dir: Path) -> None:
        """Open both logs in the run directory."""
        self._file = (run_dir / METRICS).open("w", newline="", encoding="utf-8")
        self._writer: csv.DictWriter[str] | None = None
        self._events = SummaryWriter(str(run_dir / "tensorboard"))
        self._episodes = 0
        self._sum: Tensor | None = None
        self._count = 0

    def add(self, metrics: Metrics) -> None:
        """Take note of one update."""
        values = torch.stack(metrics)
        self._sum = values if self._sum is None else self._sum + values
        self._count += 1

    def write(self, step: int, updates: int, episode: Episode) -> None:
        """Write an episode, and the mean of the updates since the last one.

        Args:
            step: environment steps at its end.
            updates: updates done by then.
            episode: what happened.
        """
        self._episodes += 1
        means = (self._sum / self._count).tolist() if self._sum is not None else []
        self._sum, self._count = None, 0
        row: dict[str, float | int | str] = {
            "step": step,
            "episode": self._episodes,
            "return": episode.episode_return,
            "length": episode.length,
            "success": int(episode.success),
            "terminated": int(episode.terminated),
            **{f"reward_{name}": value for name, value in episode.terms.items()},
            "updates": updates,
            **dict(zip(Metrics._fields, means or [""] * len(Metrics._fields), strict=True)),
        }
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, list(row))
            self._writer.writeheader()
        self._writer.writerow(row)
        self._file.flush()
        for name, value in row.items():
            if name != "step" and value != "":
                self._events.add_scalar(f"train/{name}", value, step)

    def close(self) -> None:
        """Write what is left and close both."""
        self._file.close()
        self._events.close()
