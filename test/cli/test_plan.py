"""What a training starts: nodes, parameters, run directory."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ddpg_ros.cli.plan import load_arm_config, report_command, training_plan
from ddpg_ros.config.parameter_file import find_config, load_config
from ddpg_ros.config.run_directory import prepare_run
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, RunDirectoryError
from ddpg_ros.ros.runtime.arguments import read_arguments


def test_a_training_is_a_simulator_and_an_agent_whose_end_ends_it() -> None:
    plan = training_plan(Path("/run/config.yaml"), Path("/run"))
    assert [node.name for node in plan.nodes] == ["simulator", "agent"]
    assert plan.main == "agent"
    assert {node.params_file for node in plan.nodes} == {Path("/run/config.yaml")}


def test_the_command_gives_ros_the_file_the_namespace_and_the_log_level() -> None:
    plan = training_plan(
        Path("/run/config.yaml"), Path("/run"), namespace="left", log_level="debug", gui=True
    )
    assert plan.nodes[0].command() == [
        *(sys.executable, "-m", "ddpg_ros.executables", "simulator", "--ros-args"),
        *("--params-file", "/run/config.yaml", "--log-level", "debug"),
        *("-r", "__ns:=/left", "-p", "gui:=true"),
    ]


def test_without_a_namespace_nothing_is_remapped() -> None:
    plan = training_plan(Path("/run/config.yaml"), Path("/run"))
    assert "-r" not in plan.nodes[1].command()


@pytest.mark.parametrize("given", ["left", "/left", "/left/", "left/"])
def test_a_namespace_is_absolute_however_it_is_written(given: str) -> None:
    plan = training_plan(Path("c"), Path("r"), namespace=given)
    assert {node.namespace for node in plan.nodes} == {"/left"}


def test_only_the_agent_follows_simulated_time() -> None:
    simulator, agent = training_plan(Path("c"), Path("r"), use_sim_time=True).nodes
    assert simulator.parameters == ()
    assert ("use_sim_time", True) in agent.parameters


def test_an_agent_beside_the_simulator_is_told_to_arm_by_itself() -> None:
    simulator, agent = training_plan(Path("c"), Path("r")).nodes
    assert simulator.parameters == ()
    assert agent.parameters == (("safety.auto_arm", True), ("safety.ramp_seconds", 0.0))


def test_an_unknown_log_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="'loud' is not one of debug, info"):
        training_plan(Path("c"), Path("r"), log_level="loud")


def test_the_report_is_drawn_from_the_run_directory() -> None:
    assert report_command(Path("/run"))[1:] == [
        "-m",
        "ddpg_ros.cli.main",
        "report",
        "/run",
    ]


def test_a_prepared_run_holds_the_resolved_configuration(tmp_path: Path) -> None:
    run = prepare_run(Config().with_parameters({"run.seed": 7}), tmp_path / "mine")
    written = load_config(run.config_file)
    assert written == run.config
    assert written.run.seed == 7
    assert written.run.directory == str(tmp_path / "mine")


def test_the_directory_of_the_configuration_counts_when_none_is_given(tmp_path: Path) -> None:
    config = Config().with_parameters({"run.directory": str(tmp_path / "from_config")})
    assert prepare_run(config).directory == tmp_path / "from_config"


def test_a_run_directory_is_named_after_task_and_time_and_never_shared(tmp_path: Path) -> None:
    def prepare(_: int) -> Path:
        return prepare_run(Config(), root=tmp_path).directory

    with ThreadPoolExecutor(8) as at_once:
        runs = list(at_once.map(prepare, range(8)))
    assert len(set(runs)) == 8
    first, *others = sorted((run.name for run in runs), key=len)  # whichever of them came first
    assert re.fullmatch(r"reach-\d{8}-\d{6}", first)
    assert all(re.fullmatch(r"reach-\d{8}-\d{6}(-\d)?", name) for name in others)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("pushing:Push", "pushing_Push"), ("Größe-v1.2", "Größe-v1.2"), ("a b[1]#", "a_b_1__")],
)
def test_a_run_directory_of_any_name_is_one_that_every_disk_and_shell_takes(
    tmp_path: Path, name: str, shown: str
) -> None:
    run = prepare_run(Config(), root=tmp_path, name=name).directory
    assert run.name.startswith(f"{shown}-20") and run.parent == tmp_path


def test_a_run_directory_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepare_run(Config(), Path("here")).directory == tmp_path / "here"


def test_an_empty_directory_is_taken_and_a_full_one_refused(tmp_path: Path) -> None:
    prepare_run(Config(), tmp_path)
    with pytest.raises(RunDirectoryError, match=r"is not empty; give another one with --run-dir"):
        prepare_run(Config(), tmp_path)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunDirectoryError, match="cannot be made or written"):
        prepare_run(Config(), tmp_path / "file")
    with pytest.raises(RunDirectoryError, match="cannot be made or written"):
        prepare_run(Config(), tmp_path / "file" / "below")


@pytest.mark.parametrize("name", ["gym", str(find_config("gym"))])
def test_the_configuration_of_gymnasium_is_refused_for_an_arm(name: str) -> None:
    with pytest.raises(ConfigError, match=r"--gym ENV_ID; for an arm take one of .*panda, .*"):
        load_arm_config(name)


def test_a_run_directory_is_made_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ddpg_ros.config.run_directory.save_config", interrupted)
    (tmp_path / "mine").mkdir()
    for directory in (tmp_path / "new", tmp_path / "mine", None):
        with pytest.raises(KeyboardInterrupt):
            prepare_run(Config(), directory, root=tmp_path / "runs")
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["mine", "runs"]
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize(
    "path", ["/a b/c.gif", "/run #2/a.gif", "/a: b.gif", "/yes", "/[a]/{b}.gif", "/'a\".gif", "/é"]
)
def test_a_node_gets_a_path_as_it_is(path: str) -> None:
    plan = training_plan(Path("/run/config.yaml"), Path("/run"), record=Path(path), episodes=2)
    given = [word for word in plan.nodes[0].command() if word != "--params-file"]
    given.remove("/run/config.yaml")
    settings = read_arguments(given[3:]).settings("simulator")
    assert settings == {"record": path, "record_episodes": 2}
