"""Learning over topics: five seeds of each configuration of ours, every seed shown.

    .venv/bin/python -m benchmarks.learning [--tasks reach swing_up panda] [--seeds 5]

Each run is one `ddpg-ros train --config TASK --json`, nothing beside it. Writes
`results/learning.json` and `results/learning.png`. A task is passed where at least 4 of 5 seeds
succeed in 95 % of their greedy episodes within the task's training time on two cores.
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
LIMIT_S = {"reach": 60.0, "swing_up": 30.0, "panda": 300.0}
SHOWN = ("seed", "steps", "updates", "train_wall_s", "steps_per_s", "success_rate", "mean_return")
WINDOW = 20  # [episodes] of the running mean


def main() -> None:
    """Train, collect, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=list(LIMIT_S), choices=list(LIMIT_S))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    report: dict[str, Any] = {"benchmark": "learning", "tasks": {}, **describe_machine()}
    curves: dict[str, list[np.ndarray[Any, Any]]] = {}
    for task in arguments.tasks:
        runs, curves[task] = [], []
        for seed in range(arguments.seeds):
            run, curve = train(task, seed)
            runs.append(run)
            curves[task].append(curve)
            print(task, json.dumps(run), flush=True)
        passed = sum(
            run["success_rate"] >= 0.95 and run["train_wall_s"] <= LIMIT_S[task] for run in runs
        )
        report["tasks"][task] = {"limit_s": LIMIT_S[task], "passed": passed, "runs": runs}
        print(f"{task}: {passed} of {len(runs)} seeds passed", flush=True)
    write_results(report, RESULTS / "learning.json")
    draw(curves, RESULTS / "learning.png")


def train(task: str, seed: int) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    """Run one training; return its figures and (step, success of the last episodes) rows."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        command = [sys.executable, "-m", "ddpg_ros.cli.main", "train", "--json"]
        command += ["--config", task, "--seed", str(seed), "--run-dir", str(run_dir)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        summary = json.loads(output)
        with (run_dir / METRICS).open(encoding="utf-8", newline="") as file:
            rows = [(float(r["step"]), float(r["success"])) for r in csv.DictReader(file)]
    step, success = np.array(rows).T
    mean = [success[max(0, end - WINDOW) : end].mean() for end in range(1, len(success) + 1)]
    return {key: summary[key] for key in SHOWN}, np.stack((step, np.array(mean)))


def draw(curves: dict[str, list[np.ndarray[Any, Any]]], picture: Path) -> None:
    """Draw the success of the exploring episodes, a line a seed."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        1, len(curves), figsize=(4.6 * len(curves), 3.4), layout="constrained", squeeze=False
    )
    for axis, (task, seeds) in zip(axes[0], curves.items(), strict=True):
        for seed, (step, success) in enumerate(seeds):
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
