"""`ddpg-ros bench lockstep`: the loop over topics beside a bare ping-pong."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from ddpg_ros.cli.bench.results import describe_machine, write_results
from ddpg_ros.cli.playback import config_of, run_policy
from ddpg_ros.control.mlp import MlpActor, weight_count
from ddpg_ros.control.policy import GOLDEN_PAIRS, PolicyAbout, load_policy, save_policy
from ddpg_ros.experiment import policy_about
from ddpg_ros.parameter_file import load_config
from ddpg_ros.robot import Robot
from ddpg_ros.tasks import make_task

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
    command = [sys.executable, "-m", "ddpg_ros.nodes.pingpong"]
    local = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    environment = local | dict(os.environ)
    with subprocess.Popen([*command, "pong"], env=environment) as pong:
        try:
            ping = subprocess.run(
                [*command, "ping"], env=environment, capture_output=True, check=True, timeout=120
            )
        finally:
            pong.kill()
    return float(json.loads(ping.stdout)["cycles_per_s"])


def _lockstep() -> float:
    """Greedy episodes of an untrained actor: physics, topics, observation, actor, guard."""
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as folder:
        path = Path(folder) / "untrained.safetensors"
        _save_untrained(path)
        summary = run_policy(config_of(path, load_policy(path), _EPISODES))
    return float(summary["eval_steps_per_s"])


def _save_untrained(path: Path) -> None:
    config = load_config("reach")
    robot = Robot.load(config.robot.urdf)
    about: PolicyAbout = policy_about(config, robot, make_task(config.task, robot))
    rng = np.random.default_rng(0)
    weights = rng.normal(0.0, 0.1, weight_count(about.sizes)).astype(np.float32)
    actor = MlpActor(about.sizes, weights)
    observations = rng.normal(size=(GOLDEN_PAIRS, about.sizes[0])).astype(np.float32)
    actions = np.stack([actor(observation) for observation in observations])
    save_policy(path, about, weights, observations, actions)
