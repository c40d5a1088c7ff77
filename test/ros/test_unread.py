"""A node whose log nobody reads: terminals after Ctrl-S and pipes that are full."""

import contextlib
import fcntl
import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from test.processes import ros_arguments
from test.ros.conftest import agent_parameters
from test.ros.onlooker import LONG, Onlooker

CTRL_S = b"\x13"


@contextmanager
def halted_terminal() -> Iterator[int]:
    """A terminal in which somebody has pressed Ctrl-S."""
    keyboard, terminal = pty.openpty()
    os.write(keyboard, CTRL_S)
    try:
        yield terminal
    finally:
        os.close(terminal)
        os.close(keyboard)


@contextmanager
def full_pipe() -> Iterator[int]:
    """A pipe that nobody reads, and that takes nothing more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n")
    os.set_blocking(writer, True)  # as a process gets it
    try:
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


UNREAD = pytest.mark.parametrize("unread", [halted_terminal, full_pipe])


@pytest.mark.slow
@UNREAD
@pytest.mark.ros
def test_the_loop_goes_on_where_nobody_reads_the_log(unread, robot, policy, tmp_path):
    given = agent_parameters(tmp_path) | {"run__policy": policy}
    with ExitStack() as stack:
        sink = stack.enter_context(unread())
        process = subprocess.Popen(
            [sys.executable, "-m", "ddpg_ros.ros.nodes.policy", *ros_arguments(given)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        onlooker = Onlooker(robot=robot)
        assert onlooker.trigger("policy/estop").success  # which it logs
        onlooker.until(lambda: onlooker.mode("policy") == "estop", "the state")
        count = len(robot.commands)
        robot.stream(lambda: len(robot.commands) > count + 20, "20 more commands", LONG)
        process.terminate()
        assert process.wait(LONG) == 0


CODE = "from ddpg_ros.ros.runtime.process import make_stdio_nonblocking as make; make();"


def run(code, sink):
    command = [sys.executable, "-c", CODE + code]
    done = subprocess.run(command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0


@UNREAD
def test_a_sentence_that_nobody_reads_ends_nothing(unread):
    with unread() as sink:
        run(
            "import logging; from ddpg_ros.log import log_to_stderr; log_to_stderr();"
            "logging.getLogger('ddpg_ros').info('x' * 100_000)",
            sink,
        )


@UNREAD
def test_others_who_write_there_wait_as_before(unread):
    with unread() as sink:
        run("pass", sink)
        assert not fcntl.fcntl(sink, fcntl.F_GETFL) & os.O_NONBLOCK


def test_a_pipe_that_is_read_and_a_file_get_all_that_is_said():
    code = "import os; os.write(1, b'first\\n'); print('second', flush=True)"
    command = [sys.executable, "-c", CODE + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "first\nsecond\n" and not done.stderr
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "log.txt"
        file.write_text("before\n", encoding="utf-8")
        with file.open("a") as sink:
            run(code, sink)
        assert file.read_text(encoding="utf-8") == "before\nfirst\nsecond\n"
