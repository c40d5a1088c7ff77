"""Learning over topics: five seeds of each configuration and arm, every seed shown.

    .venv/bin/python -m benchmarks.learning [--tasks reach panda UR5 …] [--seeds 0 1 2 3 4]

A task is a configuration of ours, or an arm of another's (`benchmarks/arms.py`, installed by `make
test-arms`): that one trains with what `ddpg-ros robot FILE` writes, nothing tuned. Each run is one
`ddpg-ros train --config TASK --json`. Writes `results/learning.json` after each seed and
`results/learning.png`; what they hold of seeds and tasks that are not run stays. In lock-step the
success does not depend on what else the machine does, the seconds do. A seed passes if it succeeds
in 95 % of its greedy episodes within the task's training time on two cores.
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

from benchmarks.arms import ARMS, robots
from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.config.run_directory import METRICS

RESULTS = Path(__file__).resolve().parent / "results"
LIMIT_S = {
    "reach": 60.0,
    "swing_up": 30.0,
    "panda": 300.0,
    "iiwa": 300.0,
    "pose": 900.0,
    "panda_pose": 1200.0,
    "track": 600.0,
    "iiwa_track": 300.0,
    "joints": 120.0,
    "hold": 120.0,
}
FOREIGN_LIMIT_S = 300.0
FOREIGN = {arm.name: arm for arm in ARMS if not arm.brought}
SHOWN = ("seed", "steps", "updates", "train_wall_s", "steps_per_s", "success_rate", "mean_return")
WINDOW = 20  # [episodes] of the running mean
POINTS = 100  # of a curve that is kept

Curve = list[list[float]]  # (step, success of the last episodes) rows


def main() -> None:
    """Train, collect, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = [*LIMIT_S, *FOREIGN]
    parser.add_argument("--tasks", nargs="+", default=["reach", "swing_up"], choices=known)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of both files")
    arguments = parser.parse_args()
    file = arguments.results / "learning.json"
    for task in arguments.tasks:
        for seed in arguments.seeds:
            run = train(task, seed)
            print(task, json.dumps({name: run[name] for name in SHOWN}), flush=True)
            keep(task, run, file)
    draw(json.loads(file.read_text(encoding="utf-8"))["tasks"], file.with_suffix(".png"))


def keep(task: str, run: dict[str, Any], file: Path) -> None:
    """Write a run beside those of the other tasks and seeds."""
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"tasks": {}}
    common = {key: before[key] for key in ("machine", "versions", "date") if key in before}
    tasks = {name: common | kept for name, kept in before["tasks"].items()}
    earlier = tasks.get(task, {"runs": []})["runs"]
    others = [one for one in earlier if one["seed"] != run["seed"]]
    runs = sorted([*others, run | describe_machine()], key=lambda one: int(one["seed"]))
    limit = LIMIT_S.get(task, FOREIGN_LIMIT_S)
    passed = sum(one["success_rate"] >= 0.95 and one["train_wall_s"] <= limit for one in runs)
    tasks[task] = {"limit_s": limit, "passed": passed, "runs": runs, **describe_machine()}
    ordered = {name: tasks[name] for name in (*LIMIT_S, *FOREIGN) if name in tasks}
    write_results({"benchmark": "learning", "tasks": ordered}, file)


def train(task: str, seed: int) -> dict[str, Any]:
    """Run one training; return its figures, and its curve of at most `POINTS` rows."""
    program = [sys.executable, "-m", "ddpg_ros.cli.main"]
    with tempfile.TemporaryDirectory() as folder:
        run_dir, config = Path(folder) / "run", task
        if task in FOREIGN:
            arm, config = FOREIGN[task], str(Path(folder) / "arm.yaml")
            show = [*program, "robot", str(robots() / arm.file), "--tip", arm.tip, "--out", config]
            subprocess.run(show, check=True, stdout=subprocess.DEVNULL)
        command = [*program, "train", "--json", "--config", config]
        command += ["--seed", str(seed), "--run-dir", str(run_dir)]
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
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.6 * columns, 3.4 * rows), layout="constrained", squeeze=False
    )
    for axis in axes.flat[len(curves) :]:
        axis.set_visible(False)
    for axis, (task, seeds) in zip(axes.flat, curves.items(), strict=False):
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
