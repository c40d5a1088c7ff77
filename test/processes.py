"""Real processes in tests: each carries a mark in its environment, so that none is overlooked."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import ddpg_ros
from test.conftest import PATIENCE

MARK = "DDPG_ROS_TEST"
PROFILE = Path(ddpg_ros.__file__).parent / "ros" / "runtime" / "udp_on_this_host.xml"
LEASE = """<builtin><discovery_config>
  <leaseDuration><sec>3</sec></leaseDuration>
  <leaseAnnouncement><sec>0</sec><nanosec>500000000</nanosec></leaseAnnouncement>
</discovery_config>"""
NOTHING: Mapping[str, str] = MappingProxyType({})


def forgotten_soon(folder: Path) -> dict[str, str]:
    """Return the environment of nodes that leave the graph 3 s after they are killed.

    Fast DDS keeps the topics of a node that says no more for 20 s, in which the next one with
    these topics counts as a second one. `folder` takes the profile, which is ours otherwise.
    """
    profile = folder / "forgotten_soon.xml"
    profile.write_text(PROFILE.read_text("utf-8").replace("<builtin>", LEASE, 1), "utf-8")
    return {
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(profile),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT",  # as the profile says
    }


class Process:
    """`python -m MODULE …`; what it and its children write goes to a file."""

    def __init__(
        self,
        folder: Path,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] = NOTHING,
    ) -> None:
        """Start it.

        Args:
            folder: takes the file, and gives the mark that its children inherit.
            module: what runs.
            arguments: its command line.
            environment: what it has beyond that of this process.
        """
        self.mark = f"{folder}-{time.monotonic_ns()}"
        self._output = folder / f"{module.rpartition('.')[2]}-{time.monotonic_ns()}.txt"
        usual = {MARK: self.mark, "PYTHONUNBUFFERED": "1", "COLUMNS": "400"}
        with self._output.open("wb") as sink:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=os.environ | usual | environment,
            )

    @property
    def said(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def family(self) -> dict[int, str]:
        """This process and all that come from it and still run: number to command line."""
        wanted = f"{MARK}={self.mark}".encode()
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    if wanted in (folder / "environ").read_bytes().split(b"\0"):
                        found[int(folder.name)] = _command_line(folder)
                except OSError:
                    continue  # not ours, or gone
        return found

    def gone(self, timeout: float = 20.0) -> bool:
        """Whether all of the family end soon: Python's resource tracker goes a moment later."""
        deadline = time.monotonic() + timeout
        while self.family():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def member(self, word: str) -> int | None:
        """Number of the one of the family whose command line holds `word`."""
        for number, line in self.family().items():
            if word in line:
                return number
        return None

    def exit(self, timeout: float) -> int:
        """Wait for the end; return the exit code."""
        return self.popen.wait(timeout)

    def interrupt(self, *numbers: signal.Signals, timeout: float = PATIENCE) -> tuple[int, float]:
        """Send signals; return the exit code and how long the end took [s]."""
        begin = time.monotonic()
        for number in numbers or (signal.SIGINT,):
            self.popen.send_signal(number)
        code = self.exit(timeout)
        return code, time.monotonic() - begin

    def kill_family(self) -> None:
        """End whatever is left."""
        for number in self.family():
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.popen.wait()


def ros_arguments(parameters: dict[str, object], *more: str) -> Sequence[str]:
    """Return what hands parameters to a node: `run__seed=3` for `run.seed`."""
    arguments = ["--ros-args", *more]
    for name, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        arguments += ["-p", f"{name.replace('__', '.')}:={text}"]
    return arguments


def _command_line(folder: Path) -> str:
    return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
