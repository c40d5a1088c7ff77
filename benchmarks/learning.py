"""Learning over topics: five seeds of each configuration of ours, every seed shown.

    .venv/bin/python -m benchmarks.learning [--tasks reach swing_up panda iiwa] [--seeds 5]

Each run is one `ddpg-ros train --config TASK --json`, nothing beside it. Writes
`results/learning.json` and `results/learning.png`; what they hold of tasks that are not run stays.
A task is passed if at least 4 of 5 seeds succeed in 95 % of their greedy episodes within the
task's training time on two cores.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.config.run_directory import METRICS

RESULTS = Path(__file__).resolve().parent / "results"
LIMIT_S = {"reach": 60.0, "swing_up": 30.0, "panda": 300.0, "iiwa": 300.0}
SHOWN = ("seed", "steps", "updates", "train_wall_s", "steps_per_s", "success_rate", "mean_return")
WINDOW = 20  # [episodes] of the running mean
POINTS = 100  # of a curve that is kept

Curve = list[list[float]]  # (step, success of the last episodes) rows


def main() -> None:
    """Train, collect, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=list(LIMIT_S), choices=list(LIMIT_S))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for task in arguments.tasks:
        runs = []
        for seed in range(arguments.seeds):
            runs.append(train(task, seed))
            shown = {key: value for key, value in runs[-1].items() if key != "curve"}
            print(task, json.dumps(shown), flush=True)
        passed = sum(
            run["success_rate"] >= 0.95 and run["train_wall_s"] <= LIMIT_S[task] for run in runs
        )
        print(f"{task}: {passed} of {len(runs)} seeds passed", flush=True)
        entry = {"limit_s": LIMIT_S[task], "passed": passed, "runs": runs, **describe_machine()}
        keep(task, entry, RESULTS / "learning.json")
    report = json.loads((RESULTS / "learning.json").read_text(encoding="utf-8"))
    draw(report["tasks"], RESULTS / "learning.png")


def keep(task: str, entry: dict[str, Any], file: Path) -> None:
    """Write the results of a task beside those of the others, in the order of `LIMIT_S`."""
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"tasks": {}}
    common = {key: before[key] for key in ("machine", "versions", "date") if key in before}
    tasks = {name: common | kept for name, kept in before["tasks"].items()} | {task: entry}
    ordered = {name: tasks[name] for name in LIMIT_S if name in tasks}
    write_results({"benchmark": "learning", "tasks": ordered}, file)


def train(task: str, seed: int) -> dict[str, Any]:
    """Run one training; return its figures, and its curve of at most `POINTS` rows."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        command = [sys.executable, "-m", "ddpg_ros.cli.main", "train", "--json"]
        command += ["--config", task, "--seed", str(seed), "--run-dir", str(run_dir)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        summary = json.loads(output)
        with (run_dir / METRICS).open(encoding="utf-8", newline="") as file:
            rows = [(float(r["step"]), float(r["success"])) for r in csv.DictReader(file)]
    return {key: summary[key] for key in SHOWN} | {"curve": curve_of(rows)}


def curve_of(rows: list[tuple[float, float]]) -> Curve:
    """Return the success of the last `WINDOW` episodes over the steps, thinned to `POINTS` rows.

    Args:
        rows: step at which an episode ended, and its success; one at least.
    """
    step, success = np.array(rows).T
    ends = np.unique(np.linspace(1, len(rows), min(POINTS, len(rows))).round().astype(int))
    return [
        [float(step[end - 1]), round(float(success[max(0, end - WINDOW) : end].mean()), 4)]
        for end in ends.tolist()
    ]


def draw(tasks: dict[str, Any], picture: Path) -> None:
    """Draw the success of the exploring episodes, a line a seed, of tasks with curves."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    curves = {
        task: [run["curve"] for run in entry["runs"]]
        for task, entry in tasks.items()
        if all("curve" in run for run in entry["runs"])
    }
    figure, axes = plt.subplots(
        1, len(curves), figsize=(4.6 * len(curves), 3.4), layout="constrained", squeeze=False
    )
    for axis, (task, seeds) in zip(axes[0], curves.items(), strict=True):
        for seed, curve in enumerate(seeds):
            step, success = np.array(curve).T
            axis.plot(step, 100.0 * success, linewidth=1.2, label=f"seed {seed}")
        axis.set_title(task)
        axis.set_xlabel("environment steps")
        axis.set_ylabel(f"success of the last {WINDOW} episodes [%]")
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].legend(frameon=False, fontsize=8)
    figure.savefig(picture, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
