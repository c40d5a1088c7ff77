"""`python -m benchmarks lockstep`: the loop over topics beside a bare ping-pong."""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.speed.results import describe_machine, write_results
from benchmarks.speed.untrained import save_untrained
from ddpg_ros.cli.playback import config_of, run_policy
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.control.policy import load_policy
from ddpg_ros.ros_domain import require_ros_domain

_EPISODES = 160


def bench_lockstep(
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each.")] = 5,
    results: Annotated[Path, typer.Option(help="Folder of the JSON file.")] = Path(
        "benchmarks/results"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON.")] = False,
) -> None:
    """Lock-step cycles per second, learner off, beside a bare ping-pong of the same run."""
    console = Console(stderr=as_json)
    require_ros_domain()
    pairs: list[dict[str, float]] = []
    for number in range(rounds):
        pair = {"pingpong": _pingpong(), "lockstep": _lockstep()}
        pair["ratio"] = pair["lockstep"] / pair["pingpong"]
        pairs.append(pair)
        console.print(
            f"round {number + 1}: ping-pong {pair['pingpong']:.0f}/s, lock-step "
            f"{pair['lockstep']:.0f}/s, ratio {pair['ratio']:.2f}",
            highlight=False,
        )
    median = {key: statistics.median(pair[key] for pair in pairs) for key in pairs[0]}
    report = {"benchmark": "lockstep", "median": median, "rounds": pairs, **describe_machine()}
    file = results / "lockstep.json"
    write_results(report, file)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    console.print(f"median ratio {median['ratio']:.2f}; written to {file}", highlight=False)


def _pingpong() -> float:
    command = [sys.executable, "-m", "benchmarks.nodes.pingpong"]
    with subprocess.Popen([*command, "pong"]) as pong:
        try:
            ping = subprocess.run([*command, "ping"], capture_output=True, check=True, timeout=120)
        finally:
            pong.kill()
    return float(json.loads(ping.stdout)["cycles_per_s"])


def _lockstep() -> float:
    """Greedy episodes of an untrained actor: physics, topics, observation, actor, guard."""
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as folder:
        path = Path(folder) / "untrained.safetensors"
        save_untrained(path, load_config("reach"))
        summary = run_policy(config_of(path, load_policy(path), _EPISODES))
    return float(summary["eval_steps_per_s"])
