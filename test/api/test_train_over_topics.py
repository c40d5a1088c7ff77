"""Training an arm from Python, over real topics."""

import json

import pytest

import ddpg_ros
from ddpg_ros.errors import MachineError

SMALL = {
    "learner.hidden": [8],
    "learner.warmup_steps": 50,
    "learner.mode": "eager",
    "run.eval_episodes": 1,
}


@pytest.mark.ros
@pytest.mark.slow
def test_the_configuration_of_an_arm_is_trained_over_topics(ros_domain, tmp_path):
    pytest.importorskip("rclpy")
    run = ddpg_ros.train(
        ddpg_ros.load_config("reach"), steps=120, directory=tmp_path / "run", settings=SMALL
    )
    assert (run.summary.task, run.summary.steps, run.summary.updates) == ("reach", 120, 70)
    saved = json.loads((run.directory / "summary.json").read_text(encoding="utf-8"))
    assert saved["policy"] == str(run.policy)
    policy = ddpg_ros.load_policy(run.policy)
    action = policy([0.0] * policy.about.sizes[0])
    assert action.shape == (2,) and abs(action).max() <= 1.0


def test_without_ros_the_way_without_it_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("ddpg_ros.api.find_spec", lambda name: None)
    with pytest.raises(MachineError, match=r"ddpg_ros\.train\(sim\.gym_env\.ArmEnv\(config\)\)"):
        ddpg_ros.train(ddpg_ros.Config(), directory=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
