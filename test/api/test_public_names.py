"""What `import ddpg_ros` gives, and what it leaves alone until a name is used."""

import subprocess
import sys

import pytest

import ddpg_ros

NAMES = [
    "Config",
    "Guard",
    "Learner",
    "Policy",
    "Robot",
    "Run",
    "Safety",
    "Task",
    "load_config",
    "load_policy",
    "train",
]


def in_a_fresh_process(source):
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


def test_the_public_names_are_these():
    assert ddpg_ros.__all__ == NAMES
    assert set(NAMES) <= set(dir(ddpg_ros))


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_what_its_module_defines(name):
    assert getattr(ddpg_ros, name).__name__ == name


def test_another_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'ddpg_ros' has no attribute 'trian'"):
        _ = ddpg_ros.trian


def test_the_import_brings_nothing_heavy_with_it():
    heavy = ("torch", "rclpy", "numpy", "pinocchio", "pydantic", "gymnasium", "pybullet")
    source = f"import sys, ddpg_ros; print(*[name for name in {heavy} if name in sys.modules])"
    assert in_a_fresh_process(source) == []


def test_a_policy_and_a_guard_need_no_torch_and_no_ros():
    source = (
        "import sys, ddpg_ros; ddpg_ros.load_policy, ddpg_ros.Guard, ddpg_ros.Task\n"
        "print(*[name for name in ('torch', 'rclpy', 'gymnasium') if name in sys.modules])"
    )
    assert in_a_fresh_process(source) == []
