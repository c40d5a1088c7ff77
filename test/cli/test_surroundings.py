"""What nodes need around them is looked at before anything starts."""

import pytest

from ddpg_ros.cli.surroundings import require_ros_domain
from ddpg_ros.errors import ConfigError


@pytest.mark.parametrize("given", ["233", "300", "-1", "abc", "5x", "²"])
def test_a_domain_that_dds_has_no_ports_for_is_refused(monkeypatch, given):
    monkeypatch.setenv("ROS_DOMAIN_ID", given)
    with pytest.raises(ConfigError, match=f"^ROS_DOMAIN_ID is {given}; expected 0 to 232\\.$"):
        require_ros_domain()


@pytest.mark.parametrize("given", ["", "0", "101", "232"])
def test_every_other_domain_is_taken(monkeypatch, given):
    monkeypatch.setenv("ROS_DOMAIN_ID", given)
    require_ros_domain()


def test_without_a_domain_it_is_zero(monkeypatch):
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)
    require_ros_domain()


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["eval", "--policy", "run/policy.safetensors"],
        ["play", "--policy", "run/policy.safetensors"],
        ["bench", "lockstep"],
        ["bench", "latency"],
    ],
    ids=["train", "eval", "play", "lockstep", "latency"],
)
def test_every_verb_that_starts_ros_refuses_a_bad_domain_and_leaves_nothing(
    ddpg_ros, monkeypatch, tmp_path, arm_policy, arguments
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROS_DOMAIN_ID", "300")
    sentence = ddpg_ros(*arguments).sentence
    assert sentence == "ddpg-ros: ROS_DOMAIN_ID is 300; expected 0 to 232."
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert list(arm_policy.parent.iterdir()) == [arm_policy]


def test_a_training_without_ros_takes_no_notice_of_the_domain(ddpg_ros, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", "300")
    assert "did you mean 'Pendulum-v1'?" in ddpg_ros("train", "--gym", "Pendulun-v1").sentence
