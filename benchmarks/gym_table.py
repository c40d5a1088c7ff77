"""Returns on Gymnasium's control tasks: ours beside Stable-Baselines3's DDPG, all alike.

    .venv/bin/python -m benchmarks.gym_table [--envs …] [--steps 100000] [--seeds 5] [--hours 8]

Both get the same steps, network and hyperparameters; ours has `OURS` beside, and takes more with
`--set NAME=VALUE`, then with `--results FOLDER` into a folder of its own. A second call goes on
where the first was cut off.
Writes `results/gym_table.json`, `.md`, `.png`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from benchmarks.cells import (
    Cell,
    Cells,
    Result,
    Shown,
    add_options,
    duration,
    every_seed,
    fill,
    markdown,
    spread,
)
from benchmarks.speed.results import write_whole
from benchmarks.trainings import PEERS_PYTHON, Setup, train_ours, train_peer
from ddpg_ros.config.parameter_file import read_assignments
from ddpg_ros.config.settings import Value
from ddpg_ros.types import Vector

MOST_STEPS = {
    "Pendulum-v1": 20_000,
    "InvertedPendulum-v5": 100_000,
    "InvertedDoublePendulum-v5": 100_000,
}
"""Where fewer steps than `--steps` are enough."""

PUBLISHED_STEPS = 1_000_000
PUBLISHED = {  # DDPG after so many steps, on earlier versions of the same environments
    "InvertedPendulum-v5": {"Tianshou": 1000.0},
    "InvertedDoublePendulum-v5": {"Tianshou": 8364.0, "others": 9356.0},
    "Reacher-v5": {"Tianshou": -3.3, "others": -4.0},
    "HalfCheetah-v5": {"Tianshou": 11719.0, "others": 11000.0, "CleanRL": 10374.0},
    "Hopper-v5": {"Tianshou": 2197.0, "others": 2021.0, "CleanRL": 1577.0},
    "Walker2d-v5": {"Tianshou": 1401.0, "others": 3098.0, "CleanRL": 1240.0},
    "Swimmer-v5": {"Tianshou": 144.0, "others": 137.0},
    "Ant-v5": {"Tianshou": 990.0, "others": 1005.0},
}
ENVIRONMENTS = ["Pendulum-v1", *PUBLISHED]
OURS: dict[str, Value] = {
    "learner.clip_target": True,
    "learner.critics": 2,
    "learner.preactivation_penalty": 0.01,
    "learner.wide_final_layer": True,
    "learner.averaged_policy": True,
}
"""What ours has and Stable-Baselines3 has not; as in `config/gym.yaml`."""

NAMES = {"ours": "ddpg_ros", "sb3": "Stable-Baselines3"}
COLOURS = {"ours": "#1f4e79", "sb3": "#d9742b"}
DOTTED: dict[str, Any] = {"color": "#888888", "linestyle": ":", "linewidth": 1.2}
NOTE = (
    "A seed's figure is the mean of ten greedy episodes after its training. Ours has beside "
    "what `config/gym.yaml` turns on by default on Gymnasium: `learner.critics: 2`, "
    "`clip_target`, `preactivation_penalty: 0.01`, `wide_final_layer`, `averaged_policy`. "
    "Published: DDPG after 1,000,000 steps, as Tianshou "
    "and CleanRL report it; “others” is the better one of Spinning Up's and the TD3 paper's. "
    "They ran earlier versions of the environments, and more steps than ours where the second "
    "column says fewer.\n"
)


def main() -> int:
    """Fill the table; draw what there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--envs", nargs="+", default=ENVIRONMENTS)
    parser.add_argument("--who", nargs="+", default=list(NAMES), choices=list(NAMES))
    parser.add_argument("--steps", type=int, default=100_000, help="at most, of a training")
    parser.add_argument("--threads", type=int, default=1, help="of each learner's matrix work")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of ours"
    )
    add_options(parser)
    arguments = parser.parse_args()
    if "sb3" in arguments.who and not PEERS_PYTHON.exists():
        parser.error(f"there is no {PEERS_PYTHON}: 'make setup-bench', or '--who ours'.")
    settings = read_assignments(arguments.set)
    wanted = [
        Cell(env, who, seed, asked(env, who, arguments.steps, arguments.threads, settings))
        for seed in range(arguments.seeds)
        for env in arguments.envs
        for who in arguments.who
    ]
    cells = Cells(arguments.results / "gym_table.json")
    complete = fill(cells, wanted, train, arguments.hours)
    found = cells.all_as(
        lambda env, who, steps: asked(env, who, steps, arguments.threads, settings)
    )
    if found:
        write_whole(table(found, settings), arguments.results / "gym_table.md")
        draw(found, arguments.results / "gym_table.png")
    return 0 if complete else 1


def setup_for(env: str, most_steps: int, threads: int = 1) -> Setup:
    """Return what both are given on an environment."""
    steps = min(most_steps, MOST_STEPS.get(env, most_steps))
    return Setup(
        steps=steps,
        hidden=(64, 64),
        batch=128,
        learning_rate=1e-3,
        discount=0.99,
        tau=0.005,
        warmup=min(10_000, steps // 10),
        noise=0.1,
        threads=threads,
    )


def asked(
    env: str, who: str, most_steps: int, threads: int, settings: Mapping[str, Value]
) -> dict[str, Any]:
    """Return what a cell is to be trained with."""
    setup = setup_for(env, most_steps, threads)
    if who == "ours":
        return {"steps": setup.steps, "settings": {**setup.settings(), **OURS, **settings}}
    return {"steps": setup.steps, "arguments": setup.arguments()}


def train(cell: Cell) -> Result:
    """Train one cell."""
    if cell.who == "ours":
        return train_ours(cell.env, cell.seed, cell.asked["settings"])
    return train_peer(cell.who, cell.env, cell.seed, cell.asked["arguments"])


def table(found: Shown, settings: Mapping[str, Value]) -> str:
    """Return the table in Markdown: each seed's mean of its greedy episodes, mean ± deviation."""
    whos = [who for who in NAMES if any(cell.who == who for cell, _ in found)]
    head = ["environment", "steps"]
    head += [f"{NAMES[who]}{what}" for who in whos for what in ("", ": every seed", ": training")]
    rows = [[*head, "published, **1,000,000 steps**"]]
    for env, steps in budgets(found):
        row = [env, f"{steps:,}"]
        for who in whos:
            seeds = results_of(found, env, who, steps)
            results = [result for result in seeds if result]
            returns = [result["mean_return"] for result in results]
            wall = [result["train_wall_s"] for result in results]
            row += [spread(returns), every_seed(seeds)]
            row += [f"{duration(float(np.median(wall)))}{where(results)}" if wall else "–"]
        published = PUBLISHED.get(env, {})
        rows.append([*row, ", ".join(f"{who} {value:g}" for who, value in published.items())])
    note = NOTE
    if settings:
        told = ", ".join(f"`{name}: {json.dumps(value)}`" for name, value in settings.items())
        note += f"\nHere ours is set otherwise: {told}.\n"
    return f"{markdown(rows)}\n{note}"


def budgets(found: Shown) -> list[tuple[str, int]]:
    """Return every environment with each number of steps, fewest first."""
    envs = list(dict.fromkeys(cell.env for cell, _ in found))
    each = {(cell.env, int(cell.asked["steps"])) for cell, _ in found}
    return sorted(each, key=lambda budget: (envs.index(budget[0]), budget[1]))


def results_of(found: Shown, env: str, who: str, steps: int) -> list[Result | None]:
    """Return what the seeds came to; None where a training failed."""
    place = (env, who, steps)
    return [result for cell, result in found if (cell.env, cell.who, cell.asked["steps"]) == place]


def where(results: Sequence[Result]) -> str:
    """Say on how many cores, and of which processor, the seeds were trained."""
    numbers = sorted({int(result["cores"]) for result in results})
    processors = sorted({result["cpu"] for result in results})
    told = f"{' or '.join(map(str, numbers))} core{'s' if numbers[-1] > 1 else ''}"
    return f" ({told}, {' or '.join(processors)})"


def draw(found: Shown, picture: Path) -> None:
    """Draw the returns of the training episodes: a thin line a seed, the median bold.

    What is published for as many steps is dotted.
    """
    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import EngFormatter

    panels = budgets(found)
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(4.2 * columns, 3.0 * rows),
        layout="constrained",
        squeeze=False,
    )
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    shown: dict[str, dict[str, Any]] = {}  # what the legend names
    for axis, (env, budget) in zip(axes.flat, panels, strict=False):
        for who in NAMES:
            results = [result for result in results_of(found, env, who, budget) if result]
            curves = [np.array(result["curve"]).T for result in results if result["curve"]]
            for steps, returns in curves:
                axis.plot(steps, returns, color=COLOURS[who], linewidth=0.6, alpha=0.5)
            if curves:
                shown[NAMES[who]] = {"color": COLOURS[who], "linewidth": 2.0}
                axis.plot(*median(curves), **shown[NAMES[who]])
        for value in PUBLISHED.get(env, {}).values() if budget == PUBLISHED_STEPS else ():
            shown["published"] = DOTTED
            axis.axhline(value, **DOTTED)
        axis.set_title(f"{env}, {budget:,} steps", fontsize=10)
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    lines = [axes[0][0].plot([], [], label=name, **shown[name])[0] for name in sorted(shown)]
    axes[0][0].legend(handles=lines, frameon=False, fontsize=8)
    figure.supxlabel("environment steps")
    figure.supylabel("return of the training episodes")
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def median(curves: Sequence[Vector]) -> tuple[Vector, Vector]:
    """Return the median of curves, (2, k) each, over the steps of all of them.

    Between its points a curve goes straight; it counts from its first point to its last.
    """
    steps = np.unique(np.concatenate([curve[0] for curve in curves]))
    values = [np.interp(steps, curve[0], curve[1], left=np.nan, right=np.nan) for curve in curves]
    return steps, np.nanmedian(values, axis=0)


if __name__ == "__main__":
    sys.exit(main())
