"""`ddpg-ros inspect CHECKPOINT`: verifies a checkpoint, and says where its run would go on."""

import json
from pathlib import Path

import typer
from rich.table import Table

from ddpg_ros.cli.console import plain_console
from ddpg_ros.errors import CheckpointError
from ddpg_ros.files.kinds import at_home
from ddpg_ros.training.describe_run import describe_checkpoints, verdict


def inspect_checkpoints(path: Path, as_json: bool) -> None:
    """Show what a checkpoint holds.

    Args:
        path: a folder `checkpoints/generation-…` of a run.
        as_json: prints JSON, for machines.

    Raises:
        CheckpointError: it does not verify.
    """
    path = at_home(path).resolve()
    (found,), line = describe_checkpoints(path), verdict(path)
    if as_json:
        typer.echo(json.dumps({**found.content, "verdict": line}, indent=2))
        return
    if found.problem:
        raise CheckpointError(found.problem)
    table = Table(show_header=False, title=str(path), box=None, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in found.rows.items():
        table.add_row(name, str(value))
    console = plain_console()
    console.print(table)
    console.print(line, highlight=False, soft_wrap=True)
