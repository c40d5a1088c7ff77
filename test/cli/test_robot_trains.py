"""From a file to a training: what `ddpg-ros robot` writes trains over topics."""

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("torch")
pytest.importorskip("pybullet")
pytest.importorskip("xacro")

from ddpg_ros.control.policy import load_policy
from test.processes import Process
from test.sim.test_sliding import SCARA

pytestmark = [pytest.mark.ros, pytest.mark.bullet, pytest.mark.slow]

XACRO = SCARA.replace(
    '<robot name="scara">',
    '<robot name="scara" xmlns:xacro="http://www.ros.org/wiki/xacro">'
    '<xacro:arg name="stroke" default="0.15"/>',
).replace('lower="-0.15"', 'lower="${-$(arg stroke)}"')
SHORT = ["--steps", "200", "--eval-episodes", "2", "--set", "learner.mode=eager"]
SHORT += ["--set", "task.episode_seconds=0.4", "--set", "learner.warmup_steps=50"]


@pytest.mark.timeout(240)
def test_a_xacro_with_a_joint_that_slides_trains_after_one_command(
    tmp_path, ros_domain, monkeypatch
):
    (tmp_path / "scara.urdf.xacro").write_text(XACRO)
    monkeypatch.chdir(tmp_path)
    show = Process(tmp_path, "ddpg_ros.cli.main", "robot", "scara.urdf.xacro", "stroke:=0.2")
    assert show.exit(100.0) == 0, show.said
    assert "prismatic  -0.2 to 0 m" in show.said
    train = Process(tmp_path, "ddpg_ros.cli.main", "train", "--config", "scara.yaml",
                    "--run-dir", "run", *SHORT)  # fmt: skip
    try:
        assert train.exit(120.0) == 0, train.said
    finally:
        train.kill_family()
    about = load_policy(tmp_path / "run" / "policy.safetensors").about
    assert about.joints == ["shoulder", "elbow", "lift"]
    assert about.config["robot.xacro_arguments"] == ["stroke:=0.2"]
    assert about.config["robot.gravity"] == "model"
