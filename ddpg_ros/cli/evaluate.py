"""`ddpg-ros eval`: runs greedy episodes of a policy file and prints their summary."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ddpg_ros.cli.playback import config_of, run_policy
from ddpg_ros.config.settings import from_parameters
from ddpg_ros.control.policy import load_policy
from ddpg_ros.training.summary import Summary


def evaluate(
    policy: Annotated[Path, typer.Option(help="The policy file.")],
    episodes: Annotated[int, typer.Option(min=1, help="Greedy episodes to run.")] = 100,
    seed: Annotated[
        int | None, typer.Option(help="Seeds starts and goals; default: the training's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run greedy episodes over ROS topics in the simulator, or in the Gymnasium environment."""
    loaded = load_policy(policy)
    console = Console(stderr=as_json, markup=False)
    if loaded.about.joints:
        summary = run_policy(config_of(policy, loaded, episodes, seed), console)
    else:
        from dataclasses import asdict

        from ddpg_ros.training.gymnasium_session import evaluate_on_gymnasium

        config = from_parameters(loaded.about.config, f"the settings in {policy}")
        asked = {"run.eval_episodes": episodes, "run.seed": seed}
        config = config.with_parameters(asked, source="the command line")
        summary = asdict(evaluate_on_gymnasium(loaded, config))
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
    else:
        console.print(Summary(**summary).sentence(), highlight=False)
