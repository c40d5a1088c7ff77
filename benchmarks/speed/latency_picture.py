"""The picture of `python -m benchmarks latency`."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

_COLOURS = {"echo": "#8c8c8c", "learner off": "#1f4e79", "learner flat out": "#d9742b"}


def draw_latency(rows: list[dict[str, Any]], picture: Path) -> None:
    """Draw, a panel a rate, which share of the states took longer than a time."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter

    rates = list(dict.fromkeys(row["rate"] for row in rows))
    figure, axes = plt.subplots(
        1,
        len(rates),
        figsize=(3.6 * len(rates) + 0.8, 4.2),
        layout="constrained",
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for axis, rate in zip(axes[0], rates, strict=True):
        for row in (row for row in rows if row["rate"] == rate):
            latency = [None if value is None else 1e3 * value for value in row["curve"]["latency"]]
            missing = f", {row['missing']} missing" if row["missing"] else ""
            axis.plot(
                [float("nan") if value is None else value for value in latency],
                [100.0 * share for share in row["curve"]["share"]],
                color=_COLOURS[row["who"]],
                drawstyle="steps-post",
                linewidth=1.6,
                label=row["who"] + missing,
            )
        axis.axvline(1e3 / rate, color="black", linewidth=0.8, linestyle=":")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_title(f"{rate} Hz")
        axis.set_xlabel("state to torque [ms]")
        for each in (axis.xaxis, axis.yaxis):
            each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.grid(which="major", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=8, frameon=False, loc="upper right")
    axes[0][0].set_ylabel("share of the states that took longer [%]")
    figure.suptitle("State to torque, from the intended moment\n(dotted: one period)", fontsize=10)
    figure.savefig(picture, dpi=120)
    plt.close(figure)
