"""The entry of `ddpg-ros`: quick to load, so that Ctrl-C is quiet from the first moment."""

import signal
import sys

from ddpg_ros.errors import EXIT_CODE, DdpgRosError


def main() -> None:
    """Run the command line; an error that a user can mend is one message and exit code 2."""
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing to tidy up while loading
    from typer.main import get_command

    from ddpg_ros.cli.app import app

    signal.signal(signal.SIGINT, handler)
    try:
        get_command(app).main(prog_name="ddpg-ros")
    except DdpgRosError as error:
        print(f"ddpg-ros: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)


if __name__ == "__main__":
    main()
