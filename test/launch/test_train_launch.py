"""The launch file against the plan.

`launch` and `launch_ros` come with a ROS 2 installation, not with pip. Where they are absent the
file is tested with stand-ins that record what they are given, and the last test is skipped.
"""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ddpg_ros.cli.plan import LAUNCH_ARGUMENTS, TrainingPlan
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.errors import RunDirectoryError

FILE = Path(__file__).parents[2] / "launch" / "train.launch.py"
NAMES = [
    "namespace",
    "config",
    "clock",
    "seed",
    "record",
    "run_dir",
    "gui",
    "log_level",
    "use_sim_time",
]
STAND_INS = {
    "launch": ["LaunchDescription"],
    "launch.actions": [
        *("DeclareLaunchArgument", "EmitEvent", "ExecuteProcess", "OpaqueFunction"),
        "RegisterEventHandler",
    ],
    "launch.event_handlers": ["OnProcessExit"],
    "launch.events": ["Shutdown"],
    "launch_ros": [],
    "launch_ros.actions": ["Node"],
}


def recorder(kind: str) -> Callable[..., SimpleNamespace]:
    def make(*args: Any, **kwargs: Any) -> SimpleNamespace:
        return SimpleNamespace(kind=kind, args=args, **kwargs)

    return make


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    for name, members in STAND_INS.items():
        module = ModuleType(name)
        vars(module).update({member: recorder(member) for member in members})
        monkeypatch.setitem(sys.modules, name, module)
    return runpy.run_path(str(FILE))["generate_launch_description"]


def start(generate: Callable[[], Any], **values: str) -> list[Any]:
    (entities,) = generate().args
    defaults = {argument.name: argument.default for argument in LAUNCH_ARGUMENTS}
    context = SimpleNamespace(launch_configurations=defaults | values)
    return entities[-1].function(context)


def of_kind(actions: list[Any], kind: str) -> list[Any]:
    return [action for action in actions if action.kind == kind]


def test_the_file_is_short_and_loads_without_launch() -> None:
    assert len(FILE.read_text().splitlines()) < 70
    assert "generate_launch_description" in runpy.run_path(str(FILE))


def test_every_argument_is_declared_as_planned(generate: Callable[[], Any]) -> None:
    (entities,) = generate().args
    declared = of_kind(entities, "DeclareLaunchArgument")
    assert [d.args[0] for d in declared] == NAMES
    for d, planned in zip(declared, LAUNCH_ARGUMENTS, strict=True):
        assert (d.default_value, d.description) == (planned.default, planned.description)
        assert tuple(d.choices or ()) == planned.choices


def test_the_nodes_get_the_file_and_the_namespace(
    generate: Callable[[], Any], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    actions = start(generate, run_dir=str(run), namespace="left", gui="true", seed="3")
    simulator, agent = of_kind(actions, "Node")
    assert (simulator.executable, agent.executable) == ("simulator", "agent")
    assert simulator.parameters == [str(run / "config.yaml"), {"gui": True}]
    simulated = {"safety.auto_arm": True, "safety.ramp_seconds": 0.0}
    assert agent.parameters == [str(run / "config.yaml"), simulated]
    assert simulator.namespace == agent.namespace == "/left"
    assert load_config(run / "config.yaml").run.seed == 3


def test_a_recorder_is_started_if_asked_for_and_its_end_ends_nothing(
    generate: Callable[[], Any], tmp_path: Path
) -> None:
    actions = start(generate, run_dir=str(tmp_path / "run"), record="all")
    nodes = of_kind(actions, "Node")
    assert [node.executable for node in nodes] == ["simulator", "recorder", "agent"]
    assert nodes[1].parameters[1] == {"run.record": "all"}
    watched = [h.args[0].target_action for h in of_kind(actions, "RegisterEventHandler")]
    assert nodes[0] in watched and nodes[2] in watched and nodes[1] not in watched


def test_the_report_follows_an_agent_that_ended_well_and_then_all_shuts_down(
    generate: Callable[[], Any], tmp_path: Path
) -> None:
    actions = start(generate, run_dir=str(tmp_path / "run"))
    simulator, agent, report = (h.args[0] for h in of_kind(actions, "RegisterEventHandler"))
    well, badly = SimpleNamespace(returncode=0), SimpleNamespace(returncode=2)
    assert agent.on_exit(well, None).cmd == TrainingPlan(tmp_path / "run", ()).report_command()
    assert agent.on_exit(badly, None).event.reason == "the agent ended: 2"
    assert simulator.on_exit(well, None).event.reason == "the simulator ended: 0"
    assert report.on_exit[0].event.kind == "Shutdown"


def test_a_run_directory_in_use_stops_the_launch(
    generate: Callable[[], Any], tmp_path: Path
) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(RunDirectoryError, match="is not empty"):
        start(generate, run_dir=str(tmp_path))


def test_the_real_launch_accepts_the_description() -> None:
    pytest.importorskip("launch_ros", reason="launch_ros comes with a ROS 2 installation only")
    description = runpy.run_path(str(FILE))["generate_launch_description"]()
    assert [argument.name for argument in description.get_launch_arguments()] == NAMES
