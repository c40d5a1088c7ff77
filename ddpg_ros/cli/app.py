"""The command line: its verbs, one file each."""

from typing import Annotated

import typer

from ddpg_ros import __doc__ as about
from ddpg_ros.cli.deploy import arm, deploy, estop, reset
from ddpg_ros.cli.doctor import doctor as examine
from ddpg_ros.cli.evaluate import evaluate
from ddpg_ros.cli.export import export
from ddpg_ros.cli.inspect import inspect
from ddpg_ros.cli.launched import launch_plan
from ddpg_ros.cli.play import play
from ddpg_ros.cli.report import report_command
from ddpg_ros.cli.robot import robot
from ddpg_ros.cli.train import train
from ddpg_ros.version import __version__

app = typer.Typer(
    name="ddpg-ros",
    help=about,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"ddpg-ros {__version__}")
        raise typer.Exit


@app.callback()
def every_verb(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Handle the options that precede a verb."""


app.command()(robot)
app.command()(train)
app.command("eval")(evaluate)
app.command()(play)
app.command()(inspect)
app.command()(export)
app.command("report")(report_command)
app.command()(deploy)
app.command()(arm)
app.command()(reset)
app.command()(estop)
app.command("launch-plan", hidden=True)(launch_plan)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Show what is installed, what is missing and how to fix it; send a message over DDS."""
    raise typer.Exit(examine(as_json))
