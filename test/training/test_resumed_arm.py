"""A training on the simulated arm, killed and resumed, leaves the same bytes; without topics."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("pybullet")

from test.processes import Process
from test.training.test_resumed import LONG, left

pytestmark = [pytest.mark.bullet, pytest.mark.slow, pytest.mark.timeout(600)]


def train(run: Path, kill_after: int = -1) -> int:
    run.mkdir(exist_ok=True)
    process = Process(run.parent, "test.training.arm_in_process", str(run), str(kill_after))
    code = process.exit(LONG)
    assert code == (0 if kill_after < 0 else -9), process.said
    assert process.gone(30.0)
    return code


def test_killed_within_an_episode_and_in_the_evaluation_an_arm_leaves_the_same_bytes(
    tmp_path: Path,
) -> None:
    train(tmp_path / "whole")
    train(tmp_path / "run", kill_after=273)
    train(tmp_path / "run", kill_after=210)  # of 420 from step 250 on, and then 2 × 50
    assert (tmp_path / "run" / "evaluation.csv").exists()
    train(tmp_path / "run")
    assert left(tmp_path / "run") == left(tmp_path / "whole")
