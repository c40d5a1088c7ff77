"""`ddpg-ros play`: shows a policy as a GIF or in a window."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ddpg_ros.cli.playback import config_of, run_policy
from ddpg_ros.cli.preflight import require_display
from ddpg_ros.control.policy import load_policy
from ddpg_ros.training.summary import Summary

PLAYED = "play.gif"  # a training writes rollout.gif


def play(
    policy: Annotated[Path, typer.Option(help="The policy file.")],
    episodes: Annotated[int, typer.Option(min=1, help="Episodes to show.")] = 6,
    gif: Annotated[
        Path | None,
        typer.Option(help=f"Where to write the GIF; default: {PLAYED} beside the policy."),
    ] = None,
    gui: Annotated[
        bool, typer.Option(help="A window, on the wall clock, instead of a GIF.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Seeds starts and goals.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run greedy episodes over ROS topics and show them."""
    config = config_of(policy, load_policy(policy), episodes, seed)
    console = Console(stderr=as_json, markup=False)
    if gui:
        require_display()
        config = config.with_parameters({"run.clock": "realtime"}, source="--gui")
        target = None
    else:
        target = (gif or policy.with_name(PLAYED)).resolve()
    summary = run_policy(config, console, target, gui)
    if as_json:
        typer.echo(json.dumps(summary | {"gif": str(target) if target else None}, indent=2))
    elif target is not None:
        console.print(Summary(**summary).sentence(), highlight=False)
        console.print(f"look at {target}", highlight=False, soft_wrap=True)
