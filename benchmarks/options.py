"""The learner's options, one at a time against none of them.

    .venv/bin/python -m benchmarks.options [--envs …] [--steps 30000] [--seeds 5] [--only NAME …]

A second call goes on where the first was cut off. Writes `results/options.json`, `.md`, `.png`.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.cells import (
    Cell,
    Cells,
    Result,
    Shown,
    add_options,
    every_seed,
    figure,
    fill,
    markdown,
)
from benchmarks.gym_table import OURS, setup_for
from benchmarks.speed.results import write_whole
from benchmarks.trainings import train_ours
from ddpg_ros.config.settings import Config, Value, to_parameters

DEFAULT = "default"
OFF: dict[str, Value] = {name: to_parameters(Config())[name] for name in OURS}
"""What `config/gym.yaml` turns on, turned off."""

TD3: dict[str, Value] = {
    "learner.critics": 2,
    "learner.policy_delay": 2,
    "learner.target_noise": 0.2,
}
OPTIONS: dict[str, dict[str, Value]] = {
    DEFAULT: {},
    "n_step 3": {"learner.n_step": 3},
    "critic layer norm": {"learner.critic_layer_norm": True},
    "both layer norms": {"learner.critic_layer_norm": True, "learner.actor_layer_norm": True},
    "normalised observations": {"learner.normalise_observations": True},
    **{f"{name.partition('.')[2].replace('_', ' ')} {v}": {name: v} for name, v in TD3.items()},
    "TD3": TD3,
    "clip target": {"learner.clip_target": True},
    "critics 2, clip target": {"learner.critics": 2, "learner.clip_target": True},
    "as on Gymnasium": OURS,
    "the same, no preactivation penalty": {**OURS, "learner.preactivation_penalty": 0.0},
    "the same, preactivation penalty 0.001": {**OURS, "learner.preactivation_penalty": 1e-3},
    "the same, final layer within 0.003": {**OURS, "learner.wide_final_layer": False},
    "the same, last policy": {**OURS, "learner.averaged_policy": False},
    "action penalty 0.01": {"learner.action_penalty": 0.01},
    "preactivation penalty 0.01": {"learner.preactivation_penalty": 0.01},
    "wide final layer": {"learner.wide_final_layer": True},
    "averaged policy": {"learner.averaged_policy": True},
    "2 updates a step": {"learner.update_to_data": 2.0},
    "2 updates a step, resets": {"learner.update_to_data": 2.0, "learner.reset_every": 20_000},
    "bf16": {"learner.matmul_precision": "bf16"},
}
MEASURES = {
    "mean_return": "ten greedy episodes",
    "late_return": "last tenth of the training episodes",
    "area": "area under the learning curve",
}


def main() -> int:
    """Fill the table; draw what there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--envs", nargs="+", default=["InvertedDoublePendulum-v5", "Hopper-v5"])
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--only", nargs="+", default=list(OPTIONS), choices=list(OPTIONS))
    add_options(parser)
    arguments = parser.parse_args()
    names = list(dict.fromkeys([DEFAULT, *arguments.only]))
    wanted = [
        Cell(env, name, seed, asked(env, name, arguments.steps))
        for seed in range(arguments.seeds)
        for env in arguments.envs
        for name in names
    ]
    cells = Cells(arguments.results / "options.json")
    complete = fill(cells, wanted, train, arguments.hours)
    found = cells.all_as(asked)
    if found:
        write_whole(table(found), arguments.results / "options.md")
        draw(found, arguments.results / "options.png")
    return 0 if complete else 1


def asked(env: str, option: str, most_steps: int) -> dict[str, Any]:
    """Return what a cell is to be trained with: that of the Gymnasium table, and the option."""
    setup = setup_for(env, most_steps)
    settings = {**setup.settings(), **OFF, **OPTIONS.get(option, {})}
    return {"steps": setup.steps, "settings": settings}


def train(cell: Cell) -> Result:
    """Train one cell."""
    return train_ours(cell.env, cell.seed, cell.asked["settings"])


def grouped(found: Shown) -> dict[str, dict[str, list[Result | None]]]:
    """Return the results of the seeds by environment with its steps, and by option."""
    groups: dict[str, dict[str, list[Result | None]]] = {}
    for cell, result in sorted(found, key=lambda pair: list(OPTIONS).index(pair[0].who)):
        budget = f"{cell.env}, {cell.asked['steps']:,} steps"
        groups.setdefault(budget, {}).setdefault(cell.who, []).append(result)
    return groups


def table(found: Shown) -> str:
    """Return a table an environment in Markdown: medians over the seeds, and every seed."""
    parts = []
    for budget, options in grouped(found).items():
        rows = [["option", *MEASURES.values(), "greedy, every seed", "training [s]"]]
        for name, seeds in options.items():
            results = [result for result in seeds if result]
            medians = [median_of(results, measure) for measure in MEASURES]
            wall = [result["train_wall_s"] for result in results]
            told = f"{statistics.median(wall):.0f}" if wall else "–"
            rows.append([name, *medians, every_seed(seeds), told])
        parts.append(f"**{budget}**, medians over the seeds:\n\n{markdown(rows)}")
    return "\n".join(parts)


def median_of(results: list[Result], measure: str) -> str:
    """Say a median over the seeds; a dash where none has the measure."""
    values = [result[measure] for result in results if result[measure] is not None]
    return figure(statistics.median(values)) if values else "–"


def draw(found: Shown, picture: Path) -> None:
    """Draw the greedy returns: a dot a seed, a line at the median, the default's dashed."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    groups = grouped(found)
    heights = [1.1 + 0.3 * len(options) for options in groups.values()]
    drawing, axes = plt.subplots(
        len(groups),
        1,
        figsize=(8.0, sum(heights)),
        height_ratios=heights,
        layout="constrained",
        squeeze=False,
    )
    for axis, (budget, options) in zip(axes[:, 0], groups.items(), strict=True):
        for row, (name, seeds) in enumerate(options.items()):
            values = [result["mean_return"] for result in seeds if result]
            axis.plot(values, [row] * len(values), "o", color="#a9c4dd", markersize=5)
            if values:
                middle = statistics.median(values)
                ends = [row - 0.35, row + 0.35]
                axis.plot([middle, middle], ends, color="#1f4e79", linewidth=2.5)
                if name == DEFAULT:
                    axis.axvline(middle, color="#d9742b", linestyle="--", linewidth=1.0)
            if stopped := seeds.count(None):
                where = {"transform": axis.get_yaxis_transform(), "va": "center", "fontsize": 8}
                axis.text(1.01, row, f"{stopped} of {len(seeds)} stopped", **where)
        axis.set_yticks(range(len(options)), list(options))
        axis.set_ylim(len(options) - 0.5, -0.5)
        axis.set_title(budget, fontsize=10)
        axis.grid(axis="x", alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("mean return of ten greedy episodes")
    drawing.savefig(picture, dpi=110)
    plt.close(drawing)


if __name__ == "__main__":
    sys.exit(main())
