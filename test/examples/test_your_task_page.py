"""docs/your-task.md: its files and commands, one after the other, as a reader types them."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ddpg_ros.config.task_registry import GROUP

PAGE = Path(__file__).parents[2] / "docs" / "your-task.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks():
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def write_files(folder):
    """Write every block that begins with the name of a file."""
    for kind, text in blocks():
        if kind != "sh":
            name = text.partition("\n")[0].removeprefix("# ")
            (folder / name).write_text(text, encoding="utf-8")


def commands():
    """Return what the page has a reader type, without its comments."""
    lines = [line for kind, text in blocks() if kind == "sh" for line in text.splitlines()]
    return [shlex.split(line, comments=True) for line in lines]


def run(command, folder):
    program, *words = command
    if "--steps" in words:
        words[words.index("--steps") + 1] = "300"  # the page trains for longer
        words += ["--set", "learner.warmup_steps=100", "--eval-episodes", "2"]
        words += ["--set", "task.episode_seconds=0.4"]  # and so a short rollout to draw
    if "--episodes" in words:
        words[words.index("--episodes") + 1] = "2"
    start = {"python": [sys.executable], "ddpg-ros": [sys.executable, "-m", "ddpg_ros.cli.main"]}
    return subprocess.run(
        start[program] + words, cwd=folder, capture_output=True, text=True, timeout=110
    )


def test_the_page_has_the_files_and_commands_that_are_tested_here():
    assert [kind for kind, _ in blocks()] == ["python", "yaml", "sh", "python", "sh", "sh", "toml"]
    assert [words[:2] for words in commands()] == [
        ["ddpg-ros", "train"],
        ["python", "look.py"],
        ["ddpg-ros", "train"],
        ["ddpg-ros", "eval"],
    ]


def test_the_entry_point_is_of_the_group_that_is_looked_at(tmp_path):
    write_files(tmp_path)
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    text = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["project"]["entry-points"] == {GROUP: {"aim": "aim:Aim"}}


def test_what_the_page_says_is_refused_is_refused_with_its_sentence(tmp_path):
    write_files(tmp_path)
    ended = run(commands()[0], tmp_path)
    assert ended.returncode == 2
    assert f"    {ended.stderr.strip()}\n" in PAGE.read_text(encoding="utf-8")


def test_the_task_can_be_looked_at_without_ros(tmp_path):
    write_files(tmp_path)
    ended = run(commands()[1], tmp_path)
    assert ended.returncode == 0, ended.stderr
    first, *_ = lines = ended.stdout.splitlines()
    assert len(lines) == 3 and "'angle': -" in first and "'speed': -" in first


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.long
def test_the_task_is_trained_and_evaluated_over_topics(ros_domain, tmp_path):
    pytest.importorskip("rclpy")
    write_files(tmp_path)
    for command in commands()[2:]:
        ended = run(command, tmp_path)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "2 greedy episodes" in ended.stdout
