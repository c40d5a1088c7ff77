"""Draws the learning curve of a run."""

import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np

from ddpg_ros.config.run_directory import knows_success
from ddpg_ros.types import Vector

_WINDOW = 20  # [episodes] of the running mean
_INK, _FAINT, _SECOND = "#1f4e79", "#a9c4dd", "#d9742b"


def draw_learning_curve(metrics: Path, picture: Path) -> bool:
    """Draw return, success rate, critic loss and mean Q over the environment steps.

    Args:
        metrics: the run's metrics.csv.
        picture: the PNG to write.

    Returns:
        Whether there was an episode to draw.
    """
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with metrics.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return False
    column = {name: _numbers(rows, name) for name in rows[0]}
    step = column["step"]
    figure, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(7.2, 7.2), sharex=True, height_ratios=(2, 1, 1), layout="constrained"
    )
    top.plot(step, column["return"], ".", color=_FAINT, markersize=4, label="episode")
    top.plot(step, _mean(column["return"]), color=_INK, label=f"mean of {_WINDOW}")
    top.set_ylabel("episode return")
    top.legend(frameon=False, loc="lower right")
    if knows_success(column):
        middle.plot(step, 100.0 * _mean(column["success"]), color=_INK)
    else:
        middle.text(0.5, 0.5, "this environment reports none", transform=middle.transAxes)
    middle.set_ylabel("success [%]")
    middle.set_ylim(-4.0, 104.0)
    bottom.plot(step, column["critic_loss"], color=_INK)
    bottom.set_yscale("log")
    bottom.set_ylabel("critic loss", color=_INK)
    value = bottom.twinx()
    value.plot(step, column["q_mean"], color=_SECOND)
    value.set_ylabel("mean Q", color=_SECOND)
    bottom.set_xlabel("environment steps, with exploration noise")
    for axes in (top, middle, bottom):
        axes.grid(alpha=0.25)
        axes.spines[["top"]].set_visible(False)
    figure.savefig(picture, dpi=110)
    plt.close(figure)
    return True


def _numbers(rows: list[dict[str, str]], name: str) -> Vector:
    return np.array([float(row[name]) if row[name] else np.nan for row in rows])


def _mean(values: Vector) -> Vector:
    """Return the running mean over the last `_WINDOW` episodes, fewer at the start."""
    total = np.cumsum(np.concatenate(([0.0], values)))
    count = np.minimum(np.arange(1, len(values) + 1), _WINDOW)
    end = np.arange(1, len(values) + 1)
    mean: Vector = (total[end] - total[end - count]) / count
    return mean
