"""A learner that has not begun yet: its imports can take long."""

import os
from pathlib import Path

import pytest

from test.conftest import wait_until
from test.processes import Process

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SLOW = """
import pathlib, time
pathlib.Path({mark!r}).touch()
time.sleep(60.0)
"""


def test_a_learner_that_still_imports_ends_with_its_parent(tmp_path):
    slow, mark = tmp_path / "slow", tmp_path / "imports"
    slow.mkdir()
    (slow / "torch.py").write_text(SLOW.format(mark=str(mark)))
    process = Process(
        tmp_path, "ddpg_ros.cli.main", "train", "--gym", "Pendulum-v1", "--steps", "2000",
        "--run-dir", str(tmp_path / "run"),
        environment={"PYTHONPATH": os.pathsep.join([str(slow), str(ROOT)])},
    )  # fmt: skip
    try:
        wait_until(mark.exists, what="a learner that imports torch")
        learner = [one for one in process.family() if one != process.popen.pid]
        assert learner
        process.popen.kill()
        assert process.gone(timeout=5.0)
    finally:
        process.kill_family()
