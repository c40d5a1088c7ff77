"""A recorded training, and one that learns from nothing else: real processes, from outside."""

import json

import pytest
import yaml

pytest.importorskip("rclpy")
pytest.importorskip("torch")
pytest.importorskip("pybullet")

from ddpg_ros.config.run_directory import RECORDED
from ddpg_ros.control.policy import load_policy
from test.processes import Process

pytestmark = [pytest.mark.ros, pytest.mark.bullet, pytest.mark.slow]

STEPS, UPDATES, EPISODE = 120, 50, 10
SHORT = {
    "task": {"episode_seconds": 0.4},
    "learner": {"hidden": [16], "batch_size": 32, "warmup_steps": 100, "mode": "eager"},
    "run": {"eval_episodes": 2},
}


@pytest.mark.long
@pytest.mark.timeout(240)
def test_what_a_training_recorded_is_all_that_an_offline_one_learns_from(tmp_path, ros_domain):
    config = tmp_path / "short.yaml"
    config.write_text(yaml.safe_dump({"/**": {"ros__parameters": SHORT}}))

    def train(name, *words):
        process = Process(
            tmp_path, "ddpg_ros.cli.main", "train", "--config", str(config), "--run-dir",
            str(tmp_path / name), *words,
        )  # fmt: skip
        try:
            assert process.exit(110.0) == 0, process.said
            assert process.gone()
        finally:
            process.kill_family()
        return process.said, json.loads((tmp_path / name / "summary.json").read_text())

    train("explored", "--steps", str(STEPS), "--set", "run.record=all")
    recordings = str(tmp_path / "explored" / "recordings")
    said, summary = train(
        "offline", "--from-bag", recordings, "--offline", "--steps", str(UPDATES)
    )
    # Of the last state that is answered there is a second torque: zero, on the way out.
    all_steps = STEPS + 2 * EPISODE
    found = [f"{count} transitions of {all_steps} steps" for count in (all_steps - 1, all_steps)]
    assert any(sentence in said for sentence in found), said
    assert (summary["steps"], summary["updates"], summary["eval_episodes"]) == (0, UPDATES, 2)
    policy = load_policy(tmp_path / "offline" / "policy.safetensors")
    assert (policy.about.steps, policy.about.updates) == (0, UPDATES)
    assert (tmp_path / "offline" / RECORDED).exists()
    assert f"{UPDATES} updates in" in said and "without an arm" in said
