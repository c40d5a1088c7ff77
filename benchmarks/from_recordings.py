"""Reach learnt from recordings alone: `python -m benchmarks.from_recordings`.

Trainings that explore are recorded; then a fresh learner learns from the recordings without a step
of the arm, and its policy runs greedy episodes. All of it over topics, with the command line.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.cli.main import run
from ddpg_ros.config.run_directory import RECORDINGS
from ddpg_ros.errors import MachineError

app = typer.Typer(name="from_recordings", help=__doc__, add_completion=False)
_CONSOLE = Console()


@app.command()
def bench_from_recordings(
    explored: Annotated[
        list[Path] | None,
        typer.Option(help="Recordings of earlier runs, instead of recording anew; repeat."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the recorded training.")] = 25_000,
    updates: Annotated[int, typer.Option(min=1, help="Updates of the offline training.")] = 40_000,
    episodes: Annotated[int, typer.Option(min=1, help="Greedy episodes.")] = 100,
    seed: Annotated[int, typer.Option(help="Of both trainings.")] = 0,
    results: Annotated[Path, typer.Option(help="Folder of the JSON file.")] = Path(
        "benchmarks/results"
    ),
) -> None:
    """Record, learn offline, evaluate; write from_recordings.json."""
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as name:
        folder = Path(name)
        bags = list(explored or [])
        if not bags:
            _train(folder / "explore", seed, steps, 1, "--set", "run.record=all")
            bags = [folder / "explore" / RECORDINGS]
        given = [word for bag in bags for word in ("--from-bag", str(bag))]
        offline = _train(folder / "offline", seed, updates, episodes, "--offline", *given)
    recorded = [_inspect(bag) for bag in bags] if explored else [{"steps": steps}]
    report = {
        "benchmark": "from_recordings",
        "recorded_steps": sum(one["steps"] for one in recorded),
        "recordings": len(bags),
        **{key: offline[key] for key in ("seed", "steps", "updates", "train_wall_s")},
        **{key: offline[key] for key in ("eval_episodes", "success_rate", "mean_return")},
        **describe_machine(),
    }
    write_results(report, results / "from_recordings.json")
    _CONSOLE.print(
        f"{report['recorded_steps']} recorded steps, {report['updates']} updates: success "
        f"{report['success_rate']:.0%} of {report['eval_episodes']} greedy episodes",
        highlight=False,
    )


def _train(directory: Path, seed: int, steps: int, episodes: int, *more: str) -> dict[str, Any]:
    words = ["train", "--run-dir", str(directory), "--seed", str(seed), "--steps", str(steps)]
    words += ["--eval-episodes", str(episodes), "--set", "learner.mode=eager", "--json", *more]
    return _ddpg_ros(*words)


def _inspect(bag: Path) -> dict[str, Any]:
    return _ddpg_ros("inspect", str(bag), "--json")


def _ddpg_ros(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "ddpg_ros.cli.main", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise MachineError(f"ddpg-ros {' '.join(words)} ended with exit code {done.returncode}.")
    content: dict[str, Any] = json.loads(done.stdout)
    return content


if __name__ == "__main__":
    run(app, "from_recordings")
