"""docs/your-arm.md: its blocks are files, and they work as they are there."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ddpg_ros.build import build_arm
from ddpg_ros.config.parameter_file import load_config

PAGE = (Path(__file__).parents[2] / "docs" / "your-arm.md").read_text()


def block(language: str) -> str:
    """The one block of a language."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two files of the page, which is where the reader stands."""
    (tmp_path / "my_arm.urdf").write_text(block("xml"))
    (tmp_path / "my_arm.yaml").write_text(block("yaml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_arm_has_the_limits_that_its_file_states(folder: Path) -> None:
    robot, _, guard = build_arm(load_config(folder / "my_arm.yaml"))
    assert list(robot.joints) == ["shoulder", "elbow"]
    np.testing.assert_allclose(guard.limits.torque, [3.0, 1.5])
    np.testing.assert_allclose(guard.limits.velocity, [6.0, 6.0])
    tip = robot.tip_position(np.zeros(2))  # 0.3 m and 0.2 m in a line, 0.1 m up
    np.testing.assert_allclose(tip, [0.5, 0.0, 0.1], atol=1e-12)


@pytest.mark.bullet
def test_the_lines_of_python_make_a_step_of_the_arm(folder: Path) -> None:
    program = block("python") + "\nprint(observation.shape, reward, terminated)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("(9,) ")  # cos, sin and velocity of two joints, and the goal
