"""`ddpg-ros inspect`: shows the content of a policy file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ddpg_ros.control.policy import GOLDEN_PAIRS, load_policy


def inspect(
    file: Annotated[Path, typer.Argument(help="The policy file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Check a policy file and show its content."""
    about = load_policy(file).about
    if as_json:
        typer.echo(json.dumps(asdict(about), indent=2))
        return
    table = Table(show_header=False, title=str(file), box=None, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")  # so that a hash is complete
    shown = asdict(about)
    del shown["config"]
    shown |= {
        "sizes": " → ".join(str(size) for size in about.sizes),
        "joints": ", ".join(about.joints) or "none: a Gymnasium environment",
        "torque_limit": ", ".join(f"{limit:g}" for limit in about.torque_limit) + " N·m",
        "control_period": f"{about.control_period:g} s",
        "golden pairs": f"{GOLDEN_PAIRS}, answered correctly",
    }
    for name, value in shown.items():
        table.add_row(name.replace("_", " "), str(value))
    table.add_section()
    for name, setting in about.config.items():
        table.add_row(f"[dim]{name}[/dim]", str(setting))
    Console().print(table)
