"""Which Python runs this package: the one that was set up for it. Standard library alone.

`colcon build` writes the interpreter that colcon itself runs with into the executables, which is
the system's. Ubuntu keeps pip away from that one (PEP 668), and its pydantic may be too old. So
`make setup` makes `.venv` in the checkout, on top of the system's Python and the sourced ROS 2,
and each executable goes on in there.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

_MODULE = Path(__file__)
_VENV = Path(".venv", "bin", "python")
_MARK = Path("share", "ddpg_ros", "python")
"""Written by setup.py for colcon, below the prefix: the interpreter that was set up."""


def chosen() -> str:
    """Return the interpreter to run this package with.

    An environment that was activated, or made by pip, is kept: `sys.executable`.
    """
    if sys.prefix != sys.base_prefix:
        return sys.executable
    return next((path for path in _set_up() if os.access(path, os.X_OK)), sys.executable)


def begin() -> None:
    """Begin a process: go on in the chosen interpreter, and end without a word on Ctrl-C.

    While modules are imported there is nothing to clean up, and Python would print a traceback.
    A launch file starts us with SIGINT blocked, so that it waits until this line.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    python = chosen()
    if python != sys.executable:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.execv(python, [python, *sys.orig_argv[1:]])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def checkout() -> Path | None:
    """Return the checkout that this package was built from, if that is known and there."""
    for path in _set_up():
        root = Path(path).parents[2]
        if (root / "requirements" / "setup.sh").exists():
            return root
    return None


def _set_up() -> Iterator[str]:
    """Yield where an interpreter may have been set up; it need not be there."""
    yield str(_MODULE.resolve().parents[1] / _VENV)  # a checkout, or colcon --symlink-install
    for prefix in _MODULE.parents:
        mark = prefix / _MARK
        if mark.is_file():
            yield mark.read_text(encoding="utf-8").strip()
            return
