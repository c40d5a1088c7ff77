"""What a run needs around it is looked at before anything starts."""

import os
import subprocess
import sys

import pytest

from ddpg_ros.cli.place import take_training_lock
from ddpg_ros.errors import ConfigError
from ddpg_ros.ros_domain import require_ros_domain


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
    ],
    ids=["train", "eval", "play"],
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


@pytest.mark.skipif(sys.platform != "linux", reason="the names are Linux's")
def test_fault_69_a_second_training_in_a_ros_domain_and_namespace_is_refused_and_leaves_nothing(
    ddpg_ros, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROS_DOMAIN_ID", "231")
    with take_training_lock("/left"):
        sentence = ddpg_ros("train", "--namespace", "left").sentence
    assert sentence == (
        "ddpg-ros: another training runs in ROS domain 231, namespace /left: process "
        f"{os.getpid()}; stop it, or give this one another ROS_DOMAIN_ID or a namespace "
        "(ddpg-ros train --namespace second)."
    )
    assert list(tmp_path.iterdir()) == []
    with take_training_lock("/left"), take_training_lock("/right"), take_training_lock(""):
        pass  # each has a place of its own


def test_a_training_without_ros_takes_no_notice_of_the_domain(ddpg_ros, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", "300")
    assert "did you mean 'Pendulum-v1'?" in ddpg_ros("train", "--gym", "Pendulun-v1").sentence


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need no DISPLAY")
@pytest.mark.parametrize("display", ["", None])
@pytest.mark.parametrize(
    "arguments", [["play", "--policy", "run/policy.safetensors"], ["train"]], ids=["play", "train"]
)
def test_a_window_without_a_display_is_refused_and_leaves_nothing(
    ddpg_ros, monkeypatch, tmp_path, arm_policy, arguments, display
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")  # PyBullet knows X alone
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    sentence = ddpg_ros(*arguments, "--gui").sentence
    assert sentence == "ddpg-ros: --gui opens a window, and DISPLAY is not set; leave --gui out."
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert list(arm_policy.parent.iterdir()) == [arm_policy]


@pytest.mark.parametrize("verb", [["train"], ["train", "--gym", "Pendulum-v1"]])
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("learner.device=cuda", "learner.device is cuda, and torch"),
        ("learner.matmul_precision=bf16", "learner.matmul_precision is bf16, but the cpu here"),
        ("learner.mode=cudagraph", "learner.mode is cudagraph and learner.device cpu"),
    ],
)
def test_a_training_that_this_machine_cannot_run_is_refused_and_leaves_nothing(
    ddpg_ros, monkeypatch, tmp_path, verb, setting, said
):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for instructions in ("avx512_bf16", "amx_tile"):
        monkeypatch.setattr(torch.cpu, f"_is_{instructions}_supported", lambda: False)
    monkeypatch.chdir(tmp_path)
    assert said in ddpg_ros(*verb, "--set", setting).sentence
    assert list(tmp_path.iterdir()) == []


def test_a_learner_that_asks_nothing_of_the_machine_needs_no_torch_here():
    program = (
        "import sys\n"
        "from ddpg_ros.cli.preflight import require_learner_machine\n"
        "from ddpg_ros.config.sections import LearnerSection\n"
        "require_learner_machine(LearnerSection())\n"
        "print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout == "False\n", said.stderr
