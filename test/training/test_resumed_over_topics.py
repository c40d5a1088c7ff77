"""Killed and resumed over DDS in lock-step, a training leaves the same bytes."""

from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("torch")
pytest.importorskip("pybullet")

from test.training.test_resumed import SETTINGS, Training, left

pytestmark = [
    pytest.mark.ros,
    pytest.mark.bullet,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(600),
]


def new(run: Path) -> list[object]:
    short = "task.episode_seconds=0.4"  # and so a short rollout to draw
    sets = [word for setting in (*SETTINGS, short) for word in ("--set", setting)]
    training = ["--config", "reach", "--steps", 1000, "--seed", 4, "--run-dir", run]
    return [*training, "--eval-episodes", 12, *sets]


def test_every_process_killed_and_the_run_resumed_it_leaves_the_same_bytes(
    tmp_path: Path, ros_domain: int
) -> None:
    Training(tmp_path, *new(tmp_path / "whole")).finish()
    run = tmp_path / "run"
    Training(tmp_path, *new(run)).kill_after(run, 3)
    Training(tmp_path, "--resume", run).kill_in_evaluation(run)
    said = Training(tmp_path, "--resume", run).finish()
    assert f"resuming {run} at step 1000 of 1000: only its evaluation is still to come." in said
    assert left(run) == left(tmp_path / "whole")
