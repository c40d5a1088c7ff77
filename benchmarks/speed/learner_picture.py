"""The picture of `python -m benchmarks learner`."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

_OURS, _PEER, _LIMIT = "#1f4e79", "#d9742b", "#b8b8b8"


def draw_updates(rows: list[dict[str, Any]], picture: Path) -> None:
    """Draw updates/s as bars, a panel a size: each contender's best length of a call."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    sizes = list(dict.fromkeys(row["size"] for row in rows))
    if not sizes:
        return
    figure, axes = plt.subplots(
        1, len(sizes), figsize=(4.6 * len(sizes), 4.2), layout="constrained", squeeze=False
    )
    for axis, size in zip(axes[0], sizes, strict=True):
        best = best_calls([row for row in rows if row["size"] == size])
        labels = [f"{name}, {told_threads(threads)}" for name, threads in best]
        colours = [_colour(row["who"]) for row in best.values()]
        bars = axis.barh(
            range(len(best)), [row["updates_per_s"] for row in best.values()], color=colours
        )
        axis.bar_label(bars, fmt="%.0f", padding=3, fontsize=8)
        axis.set_yticks(range(len(best)), labels, fontsize=8)
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.set_title(size)
        axis.set_xlabel("updates/s")
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=120)
    plt.close(figure)


def best_calls(rows: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    """Return each contender's fastest row, by name and threads."""
    best: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        key = row["name"], row["threads"]
        if key not in best or row["updates_per_s"] > best[key]["updates_per_s"]:
            best[key] = row
    return best


def told_threads(count: int) -> str:
    """Say how many."""
    return f"{count} thread{'s' if count > 1 else ''}"


def _colour(who: str) -> str:
    return {"limit": _LIMIT, "SB3": _PEER, "SBX": _PEER, "LeanRL": _PEER}.get(who, _OURS)
