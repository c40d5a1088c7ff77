"""The parts of an installation: setup.py, requirements/ and what the modules import agree."""

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from ddpg_ros.errors import MachineError
from ddpg_ros.extras import EXTRA_OF, how_to_install, naming_extras, require

ROOT = Path(__file__).parents[2]
DISTRIBUTION = {  # another name with pip
    "PIL": "pillow",
    "mcap_ros2": "mcap-ros2-support",
    "pinocchio": "pin",
    "yaml": "pyyaml",
}
ROS = {module for module, extra in EXTRA_OF.items() if extra == "ros"}
NOT_FROM_PIP = {"launch", "launch_ros", "ament_index_python"}
"""A sourced ROS has them; only the launch files need them."""
COMPANIONS = {"pydantic_core": "pydantic", "pybullet_data": "pybullet"}


def asked_for(part: str) -> set[str]:
    lines = (ROOT / "requirements" / f"{part}.txt").read_text().splitlines()
    names = [line.split(">")[0].split("[")[0] for line in lines if not line.startswith("#")]
    return {name.replace("_", "-").lower() for name in names if name}


def imported() -> set[str]:
    """Every top-level module that the two packages import, standard library aside."""
    found: set[str] = set()
    for package in ("ddpg_ros", "sim"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    found.add(str(node.module).partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"ddpg_ros", "sim"}


def test_each_library_that_the_package_imports_is_asked_for_by_exactly_the_part_that_names_it():
    for module in imported() - NOT_FROM_PIP:
        module = COMPANIONS.get(module, module)
        name = DISTRIBUTION.get(module) or module.replace("_", "-")
        part = EXTRA_OF.get(module, "base")
        if part == "ros":
            brought = {"rcl-interfaces", "lifecycle-msgs"}  # by rclpy itself
            assert name in brought or f"ros-jazzy-{name}" in asked_for("ros"), name
        else:
            assert name in asked_for(part), f"{name} is missing in requirements/{part}.txt"


def test_package_xml_has_a_rosdep_key_or_a_word_for_each_library_of_the_product() -> None:
    document = (ROOT / "package.xml").read_text()
    keys = {element.text for element in ElementTree.fromstring(document).iter("exec_depend")}
    own = {"pillow": "python3-pil", "pin": "pinocchio", "pyyaml": "python3-yaml"}
    from_pip = document.partition("From pip alone")[2].partition("-->")[0]
    for name in asked_for("base") | asked_for("learn") | asked_for("sim"):
        key = own.get(name, f"python3-{name}")
        assert keys & {key, f"{key}-pip"} or name in from_pip, name


def test_package_xml_names_every_ros_package_that_a_module_imports() -> None:
    keys = {e.text for e in ElementTree.parse(ROOT / "package.xml").iter("exec_depend")}
    assert (imported() & ROS) | NOT_FROM_PIP <= keys


def test_the_base_asks_for_nothing_that_no_module_imports() -> None:
    modules = {DISTRIBUTION.get(m) or COMPANIONS.get(m, m).replace("_", "-") for m in imported()}
    assert asked_for("base") - modules == set()


def test_the_sentence_names_the_library_and_the_extra_that_brings_it() -> None:
    with pytest.raises(MachineError) as refused, naming_extras():
        raise ModuleNotFoundError("No module named 'pybullet'", name="pybullet")
    sentence = 'this needs pybullet, which is not installed here; pip install "ddpg_ros[sim]".'
    assert str(refused.value) == sentence


def test_a_module_of_no_extra_is_an_error_of_its_own() -> None:
    with pytest.raises(ModuleNotFoundError), naming_extras():
        raise ModuleNotFoundError("No module named 'mine'", name="mine")


def test_beside_a_sourced_ros_its_own_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    assert how_to_install("visualization_msgs") == (
        "apt install ros-jazzy-visualization-msgs, for the Python of ROS 2 jazzy"
    )
    assert how_to_install("torch") == 'pip install "ddpg_ros[learn]"'


def test_what_is_installed_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROS_DISTRO", raising=False)
    require("pybullet", "torch")
    monkeypatch.setitem(EXTRA_OF, "absent_library", "ros")
    with pytest.raises(
        MachineError, match=r"source a ROS 2, or pip install \"ddpg_ros\[ros\]\""
    ) as _:
        require("pybullet", "absent_library")


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def run_without(modules: set[str], program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCKED.format(blocked=modules) + program],
        capture_output=True,
        text=True,
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "ROS_DISTRO"}
        | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )


@pytest.mark.parametrize("node", ["agent", "policy", "guard", "simulator"])
def test_a_node_without_rclpy_is_exit_code_2_and_a_sentence(node: str, tmp_path: Path) -> None:
    program = f"from ddpg_ros import executables; sys.exit(executables.{node}())"
    ended = run_without(ROS, program, tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"{node}: this needs ")
    assert 'source a ROS 2, or pip install "ddpg_ros[ros]"' in ended.stderr


def test_the_simulator_without_pybullet_is_exit_code_2_and_a_sentence(tmp_path: Path) -> None:
    program = "from ddpg_ros import executables; sys.exit(executables.simulator())"
    ended = run_without({"pybullet"}, program, tmp_path)
    assert ended.returncode == 2
    assert 'pip install "ddpg_ros[sim]"' in ended.stderr


@pytest.mark.parametrize("verb", ["--help", "train --help"])
def test_the_base_installation_has_the_command_line(verb: str, tmp_path: Path) -> None:
    program = f"sys.argv[1:] = {verb.split()!r}; from ddpg_ros.cli.main import main; main()"
    ended = run_without(set(EXTRA_OF), program, tmp_path)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("absent", "arguments", "extra"),
    [
        ({"gymnasium"}, ["--gym", "Pendulum-v1"], "learn"),
        ({"torch"}, ["--gym", "Pendulum-v1"], "learn"),
        ({"tensorboard"}, ["--config", "reach"], "learn"),
        ({"pybullet"}, ["--config", "reach"], "sim"),
        ({"rclpy"}, ["--config", "reach"], "ros"),
    ],
)
def test_a_training_without_a_library_leaves_no_run_directory(
    absent: set[str], arguments: list[str], extra: str, tmp_path: Path
) -> None:
    program = (
        f"sys.argv[1:] = {['train', *arguments]!r}; from ddpg_ros.cli.main import main; main()"
    )
    ended = run_without(absent, program, tmp_path)
    assert ended.returncode == 2
    assert f'pip install "ddpg_ros[{extra}]"' in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
