"""The entry point of `ddpg-ros`.

It loads the command line lazily, so that Ctrl-C during start-up prints no traceback.
"""

import signal
import sys
from typing import TYPE_CHECKING

from ddpg_ros.errors import EXIT_CODE, DdpgRosError

if TYPE_CHECKING:
    from typer import Typer


def main() -> None:
    """Run the command line."""
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)  # imports need no clean-up
    from ddpg_ros.cli.app import app

    signal.signal(signal.SIGINT, handler)
    run(app, "ddpg-ros")


def run(app: "Typer", name: str) -> None:
    """Run an app; an error that a user can fix becomes one message and exit code 2."""
    from typer.main import get_command

    try:
        get_command(app).main(prog_name=name)
    except DdpgRosError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)


if __name__ == "__main__":
    main()
