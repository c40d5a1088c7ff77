"""The command line: one file a verb, put together here."""

import sys

import typer
from typer.main import get_command

from ddpg_ros import __doc__ as about
from ddpg_ros.cli.bench import bench
from ddpg_ros.cli.doctor import doctor
from ddpg_ros.cli.evaluate import evaluate
from ddpg_ros.cli.inspect import inspect
from ddpg_ros.cli.play import play
from ddpg_ros.cli.report import report_command
from ddpg_ros.cli.train import train
from ddpg_ros.errors import EXIT_CODE, DdpgRosError

app = typer.Typer(
    name="ddpg-ros",
    help=about,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(train)
app.command("eval")(evaluate)
app.command()(play)
app.command()(inspect)
app.command("report")(report_command)
app.command()(bench)
app.command()(doctor)


def main() -> None:
    """Run the command line; an error that a user can mend is one message and exit code 2."""
    try:
        get_command(app).main(prog_name="ddpg-ros")
    except DdpgRosError as error:
        print(f"ddpg-ros: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)


if __name__ == "__main__":
    main()
