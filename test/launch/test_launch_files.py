"""The launch files against the plan.

`launch` and `launch_ros` come with a ROS 2 installation, not with pip. Without them the files are
tested with stand-ins that record what they are given, and what runs on the real ones is skipped.
"""

import ast
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ddpg_ros.cli import launching
from ddpg_ros.cli.launching import DEPLOY, TRAIN
from ddpg_ros.errors import ConfigError

ROOT = Path(__file__).parents[2]
FILES = {"train": TRAIN, "deploy": DEPLOY}
ALLOWED = {"launch", "launch_ros", "ament_index_python", "ddpg_ros"}
STAND_INS = {
    "launch": ["LaunchDescription"],
    "launch.actions": [
        *("DeclareLaunchArgument", "EmitEvent", "ExecuteProcess", "LogInfo", "OpaqueFunction"),
        "RegisterEventHandler",
    ],
    "launch.event_handlers": ["OnProcessExit"],
    "launch.events": ["matches_action"],
    "launch.events.process": ["ShutdownProcess"],
    "launch.substitutions": ["LaunchConfiguration"],
    "launch_ros": [],
    "launch_ros.actions": ["Node"],
    "launch_ros.parameter_descriptions": ["ParameterValue"],
    "ament_index_python": [],
    "ament_index_python.packages": ["get_package_prefix"],
}
NODE = {
    "namespace": "/left",
    "params_file": "/run/config.yaml",
    "parameters": {},
    "remappings": [],
    "log_level": "info",
}
PLAN = {
    "nodes": [
        NODE | {"name": "simulator", "executable": "simulator"},
        NODE | {"name": "recorder", "executable": "recorder"},
        NODE | {"name": "agent", "executable": "agent", "parameters": {"safety.auto_arm": True}},
    ],
    "run_dir": "",
    "temporary": "",
    "namespace": "/left",
    "simulated": True,
    "simulated_time": True,
    "notes": ["run directory: /run"],
    "report": ["python", "report"],
    "robot_description": "<robot/>",
    "base": "base",
    "rviz": "/share/ddpg_ros.rviz",
}


def recorder(kind: str) -> Callable[..., SimpleNamespace]:
    def make(*args: Any, **kwargs: Any) -> SimpleNamespace:
        return SimpleNamespace(kind=kind, args=args, return_code=None, **kwargs)

    return make


class Launch:
    """A launch file with stand-ins; `failures` are the errors that `ros2 launch` ends with."""

    def __init__(self, kind: str) -> None:
        self.generate = runpy.run_path(str(ROOT / f"launch/{kind}.launch.py"))[
            "generate_launch_description"
        ]
        self.kind, self.failures, self.is_shutdown = kind, [], False
        self.asyncio_loop = SimpleNamespace(
            call_exception_handler=lambda context: self.failures.append(context["message"])
        )

    def start(self, **values: str) -> list[Any]:
        (entities,) = self.generate().args
        self.launch_configurations = {a.name: a.default for a in FILES[self.kind]} | values
        self.actions: list[Any] = entities[-1].function(self)
        return self.actions

    def of_kind(self, kind: str) -> list[Any]:
        return [action for action in self.actions if action.kind == kind]

    def end(self, target: Any, code: int) -> list[Any]:
        """End a process of the launch; return what the launch then does."""
        target.return_code = code
        event = SimpleNamespace(returncode=code)
        handlers = [action.args[0] for action in self.of_kind("RegisterEventHandler")]
        (react,) = [h.on_exit for h in handlers if h.target_action is target]
        return react(event, self) or []


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Launch]:
    for name, members in STAND_INS.items():
        module = ModuleType(name)
        vars(module).update({member: recorder(member) for member in members})
        monkeypatch.setitem(sys.modules, name, module)
    vars(sys.modules["ament_index_python.packages"])["PackageNotFoundError"] = KeyError
    monkeypatch.setattr(launching, "make_plan", lambda *_: json.loads(json.dumps(PLAN)))
    return Launch


def stopped(actions: list[Any]) -> list[Any]:
    """The processes that actions end; asserts that they do nothing else."""
    assert {action.kind for action in actions} <= {"EmitEvent"}
    return [action.event.process_matcher.args[0] for action in actions]


@pytest.mark.parametrize("kind", FILES)
def test_a_launch_file_is_short_and_needs_the_standard_library_and_launch_alone(kind: str) -> None:
    """What it imports of ours, too, with all that comes along."""
    source = (ROOT / f"launch/{kind}.launch.py").read_text()
    assert len(source.splitlines()) < 70
    modules = {
        node.module.partition(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert modules - set(sys.stdlib_module_names) <= ALLOWED
    program = (
        "import sys, ddpg_ros.cli.launching;"
        "print({m.partition('.')[0] for m in sys.modules if m[:1] != '_'}"
        " - set(sys.stdlib_module_names))"
    )
    bare = subprocess.run(
        [Path(sys.base_prefix, "bin", "python3"), "-S", "-c", program],
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert bare.stdout == "{'ddpg_ros'}\n", bare.stderr


@pytest.mark.parametrize("kind", FILES)
def test_every_argument_is_declared_as_planned(kind: str, launch: Callable[[str], Launch]) -> None:
    (entities,) = launch(kind).generate().args
    declared = [entity for entity in entities if entity.kind == "DeclareLaunchArgument"]
    assert [d.args[0] for d in declared] == [a.name for a in FILES[kind]]
    for d, planned in zip(declared, FILES[kind], strict=True):
        assert (d.default_value, d.description) == (planned.default, planned.description)
        assert tuple(d.choices or ()) == planned.choices


def test_the_nodes_get_the_file_and_the_namespace(launch: Callable[[str], Launch]) -> None:
    training = launch("train")
    training.start()
    simulator, recorder, agent = training.of_kind("Node")
    executables = (simulator.executable, recorder.executable, agent.executable)
    assert executables == ("simulator", "recorder", "agent")
    assert simulator.parameters == ["/run/config.yaml"]
    assert agent.parameters == ["/run/config.yaml", {"safety.auto_arm": True}]
    assert simulator.namespace == agent.namespace == "/left"
    assert [info.msg for info in training.of_kind("LogInfo")] == PLAN["notes"]


def test_a_report_with_a_name_follows_an_agent_that_ended_well_and_nothing_is_shut_down(
    launch: Callable[[str], Launch],
) -> None:
    training = launch("train")
    training.start()
    simulator, recorder, agent = training.of_kind("Node")
    *ended, report = training.end(agent, 0)
    assert stopped(ended) == [simulator, recorder]
    assert (report.cmd, report.name) == (PLAN["report"], "report")
    assert stopped(training.end(simulator, 0)) == [agent, simulator, recorder]
    assert training.end(report, 0) == []
    assert training.failures == []
    training.end(report, 2)
    assert training.failures == ["the report failed: it ended with 2."]


@pytest.mark.parametrize("name", ["agent", "simulator"])
def test_a_training_that_failed_is_an_error_of_the_launch(
    name: str, launch: Callable[[str], Launch]
) -> None:
    training = launch("train")
    training.start()
    names = ("simulator", "recorder", "agent")
    nodes = dict(zip(names, training.of_kind("Node"), strict=True))
    ended = training.end(nodes[name], 2)
    assert training.failures == [f"the training failed: the {name} ended with 2."]
    assert {node.executable for node in stopped(ended)} >= set(names) - {name}


def test_ctrl_c_is_no_failure(launch: Callable[[str], Launch]) -> None:
    training = launch("train")
    training.start()
    training.is_shutdown = True
    simulator, _, agent = training.of_kind("Node")
    training.end(simulator, -2)
    training.end(agent, -2)
    assert training.failures == []


def test_a_deployment_ends_with_each_of_its_nodes(launch: Callable[[str], Launch]) -> None:
    deployment = launch("deploy")
    deployment.start(policy="policy.safetensors")
    first, second, third = deployment.of_kind("Node")
    assert stopped(deployment.end(third, 1)) == [first, second]
    assert deployment.failures == ["the agent ended with 1."]


@pytest.mark.parametrize("given", ["true", "True"])
def test_rviz_comes_with_the_arm_s_frames_and_with_its_base_as_fixed_frame(
    given: str, launch: Callable[[str], Launch]
) -> None:
    training = launch("train")
    training.start(rviz=given)
    *_, state_publisher, rviz = training.of_kind("Node")
    assert (state_publisher.package, rviz.package) == ("robot_state_publisher", "rviz2")
    assert state_publisher.parameters[0]["use_sim_time"] is True
    assert rviz.arguments == ["-d", "/share/ddpg_ros.rviz", "-f", "base"]
    assert ("/clock", "clock") in rviz.remappings
    simulator, recorder, agent = training.of_kind("Node")[:3]
    assert stopped(training.end(agent, 2)) == [simulator, recorder, state_publisher, rviz]


def test_a_viewer_that_is_not_installed_is_named_and_left_out(
    launch: Callable[[str], Launch], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(package: str) -> str:
        raise KeyError(package)

    training = launch("train")
    packages = sys.modules["ament_index_python.packages"]
    monkeypatch.setitem(vars(packages), "get_package_prefix", absent)
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    training.start(rviz="true")
    assert len(training.of_kind("Node")) == 3
    said = [info.msg for info in training.of_kind("LogInfo")][1:]
    assert [line.rpartition("apt install ")[2] for line in said] == [
        "ros-jazzy-robot-state-publisher",
        "ros-jazzy-rviz2",
    ]


@pytest.mark.slow
def test_a_plan_is_made_by_a_process_of_ours_and_what_it_refuses_is_a_sentence(
    tmp_path: Path, ros_domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path]))
    values = {a.name: a.default for a in TRAIN} | {"run_dir": str(tmp_path / "run")}
    context = SimpleNamespace(launch_configurations=values)
    plan = launching.make_plan("train", context, TRAIN)
    assert {node["name"] for node in plan["nodes"]} >= {"simulator", "agent"}
    with pytest.raises(ConfigError, match=r"another training runs in .*namespace:=second"):
        launching.make_plan("train", context, TRAIN)
    launching._LOCKS.pop().close()
    with pytest.raises(ConfigError, match=r"^the run directory .* with run_dir:="):
        launching.make_plan("train", context, TRAIN)


@pytest.mark.parametrize("kind", FILES)
def test_the_real_launch_accepts_the_description(kind: str) -> None:
    pytest.importorskip("launch_ros", reason="launch_ros comes with a ROS 2 installation only")
    description = runpy.run_path(str(ROOT / f"launch/{kind}.launch.py"))
    names = [a.name for a in description["generate_launch_description"]().get_launch_arguments()]
    assert names == [a.name for a in FILES[kind]]
