"""The entry point of `ddpg-ros`.

It loads the command line lazily, so that Ctrl-C during start-up prints no traceback, and what is
missing is a sentence. `doctor` needs the standard library alone.
"""

import signal
import sys
from typing import TYPE_CHECKING

from ddpg_ros.errors import EXIT_CODE, DdpgRosError
from ddpg_ros.interpreter import begin
from ddpg_ros.log import log_to_stderr

if TYPE_CHECKING:
    from typer import Typer


_NAME = "ddpg-ros"


def main() -> None:
    """Run the command line."""
    handler = signal.getsignal(signal.SIGINT)
    begin()
    verb, *words = [*sys.argv[1:], ""]
    if verb == "doctor" and set(words) <= {"--json", ""}:
        from ddpg_ros.cli.doctor import doctor

        sys.exit(doctor("--json" in words))
    from ddpg_ros.extras import naming_extras

    try:
        with naming_extras():
            from ddpg_ros.cli.app import app
    except DdpgRosError as error:
        print(f"{_NAME}: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    signal.signal(signal.SIGINT, handler)
    run(app, _NAME)


def run(app: "Typer", name: str) -> None:
    """Run an app; an error that a user can fix becomes one message and exit code 2."""
    from typer.main import get_command

    from ddpg_ros.extras import naming_extras

    log_to_stderr()
    try:
        with naming_extras():
            get_command(app).main(prog_name=name)
    except DdpgRosError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)


if __name__ == "__main__":
    main()
