"""Time to solve Gymnasium's Pendulum-v1: ours beside Stable-Baselines3 and SBX.

    .venv/bin/python -m benchmarks.pendulum [--seeds 5] [--ours-steps 5000] [--sbx-steps 7000]

Each trains a fixed number of steps with the same network, one after the other with nothing
beside it; solved is a mean of at least −200 over ten greedy episodes. Writes
`results/pendulum.json` with every seed.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cells import RESULTS
from benchmarks.speed.results import describe_machine, write_results
from benchmarks.trainings import PEERS_PYTHON, Setup, train_ours, train_peer
from ddpg_ros.config.parameter_file import read_assignments
from ddpg_ros.config.settings import Value

ENV, SOLVED = "Pendulum-v1", -200.0
STEPS = {"ours": 5000, "sb3": 5000, "sbx": 7000}
NAMES = {"ours": "ddpg_ros", "sb3": "SB3", "sbx": "SBX"}


def main() -> None:
    """Train each seed of each in turn, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--who", nargs="+", default=list(STEPS), choices=list(STEPS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of ours"
    )
    parser.add_argument("--threads", type=int, default=1, help="of each learner's matrix work")
    for who, steps in STEPS.items():
        parser.add_argument(f"--{who}-steps", type=int, default=steps)
    arguments = parser.parse_args()
    if set(arguments.who) != {"ours"} and not PEERS_PYTHON.exists():
        parser.error(f"there is no {PEERS_PYTHON}: 'make setup-bench', or '--who ours'.")
    console = Console(highlight=False)
    settings = read_assignments(arguments.set)
    runs: dict[str, list[dict[str, Any]]] = {who: [] for who in arguments.who}
    for seed in range(arguments.seeds):
        for who in arguments.who:
            with console.status(f"{NAMES[who]}, seed {seed}"):
                setup = setup_for(getattr(arguments, f"{who}_steps"), arguments.threads)
                run = train(who, seed, setup, settings)
            runs[who].append({"seed": seed, **run})
            console.print(
                f"{NAMES[who]}, seed {seed}: {run['mean_return']:.0f} after "
                f"{run['train_wall_s']:.1f} s of training"
            )
    report = {
        "benchmark": "pendulum",
        "environment": ENV,
        "solved": SOLVED,
        "learners": {who: {**summed_up(runs[who]), "runs": runs[who]} for who in arguments.who},
        "settings": settings,
        "threads": arguments.threads,
        **describe_machine(),
    }
    write_results(report, arguments.results / "pendulum.json")
    console.print(table(report["learners"]))


def setup_for(steps: int, threads: int) -> Setup:
    """Return what all are given, that of `config/gym.yaml`."""
    return Setup(
        steps=steps,
        hidden=(64, 64),
        batch=128,
        learning_rate=2e-3,
        discount=0.98,
        tau=0.01,
        warmup=500,
        noise=0.1,
        threads=threads,
    )


def train(who: str, seed: int, setup: Setup, settings: dict[str, Value]) -> dict[str, Any]:
    """Train one; of what came of it, leave out the curve."""
    if who == "ours":
        run = train_ours(ENV, seed, {**setup.settings(), **settings})
    else:
        run = train_peer(who, ENV, seed, setup.arguments())
    return {key: value for key, value in run.items() if key != "curve"}


def summed_up(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians over the seeds, and how many of them solved it."""
    keys = ("mean_return", "train_wall_s", "total_wall_s")
    return {
        **{f"median_{key}": statistics.median(run[key] for run in runs) for key in keys},
        "solved": sum(run["mean_return"] >= SOLVED for run in runs),
        "seeds": len(runs),
    }


def table(learners: dict[str, dict[str, Any]]) -> Table:
    """Return what a person reads; the ratio is of the training's wall time to ours."""
    shown = Table("learner", title=f"{ENV}, mean of ten greedy episodes; solved: {SOLVED:g}")
    for name in ("steps", "solved", "return", "training [s]", "/ ours", "in all [s]"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("return of every seed")
    ours = learners.get("ours", {}).get("median_train_wall_s")
    for who, learner in learners.items():
        wall = learner["median_train_wall_s"]
        shown.add_row(
            NAMES[who],
            str(learner["runs"][0]["steps"]),
            f"{learner['solved']} of {learner['seeds']}",
            f"{learner['median_mean_return']:.0f}",
            f"{wall:.1f}",
            f"{wall / ours:.1f}" if ours else "",
            f"{learner['median_total_wall_s']:.1f}",
            ", ".join(f"{run['mean_return']:.0f}" for run in learner["runs"]),
        )
    return shown


if __name__ == "__main__":
    main()
