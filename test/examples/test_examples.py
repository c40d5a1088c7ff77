"""Every example runs, in a few steps, and is as short as it says."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
NUMBERED = sorted(path.name for path in FOLDER.glob("[0-9]*.py"))

SAID = {  # with how many steps, and what an example says when it has done its work
    "01_train_gymnasium.py": (300, "One more episode: return -"),
    "02_update_by_hand.py": (500, "  500 updates: critic's loss 0.0"),
    "03_task_of_your_own.py": (100, "train --config swing_up --set task.name=hover:Hover"),
    "04_arm_of_your_own.py": (100, "The fingertip reaches at most 0.60 m; limits [2. 1.] N·m."),
    "05_guard_around_a_pid.py": (300, "No fault was latched."),
    "06_evaluate_and_plot.py": (300, "5 episodes: return -"),
}


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.slow
def test_an_example_runs_from_anywhere(name, tmp_path):
    steps, said = SAID[name]
    ended = subprocess.run(
        [sys.executable, FOLDER / name, str(steps)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stderr
    assert said in ended.stdout
    assert "Traceback" not in ended.stderr
    for word in ended.stdout.split():  # what it says is a picture is one
        assert not word.endswith(".png") or Path(word).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_an_example_has_fewer_than_forty_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40


def test_the_page_lists_every_example():
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in NUMBERED if f"`{name}`" in listed] == NUMBERED == sorted(SAID)
