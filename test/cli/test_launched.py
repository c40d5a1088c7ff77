"""What the launch arguments become: a run directory and a plan, or a sentence."""

import json
from pathlib import Path

import pytest

from ddpg_ros.cli import launched
from ddpg_ros.cli.launched import in_launch_words, plan_deployment, plan_training
from ddpg_ros.cli.launching import AS_CONFIGURED, DEPLOY, TRAIN
from ddpg_ros.cli.plan import training_plan
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.run_directory import prepare_run
from ddpg_ros.errors import ConfigError, DdpgRosError, RunDirectoryError
from ddpg_ros.files.unused import remove_unused

DEFAULTS = {argument.name: argument.default for argument in TRAIN}


@pytest.fixture(autouse=True)
def domain(ros_domain: int) -> int:
    return ros_domain


def test_launch_arguments_reach_configuration_and_nodes(tmp_path: Path) -> None:
    values = {"clock": "realtime", "seed": "5", "steps": "700", "namespace": "left"}
    more = {"set": "learner.n_step=3 'robot.torque_limit=[1.0, 0.5]'", "use_sim_time": "false"}
    plan = plan_training({**DEFAULTS, **values, **more, "run_dir": str(tmp_path / "run")})
    assert json.loads(json.dumps(plan)) == plan
    simulator, recorder, agent = plan["nodes"]
    assert recorder["executable"] == "recorder"
    config = load_config(simulator["params_file"])
    assert (config.run.clock, config.run.seed, config.run.steps) == ("realtime", 5, 700)
    assert (config.learner.n_step, config.robot.torque_limit) == (3, [1.0, 0.5])
    assert agent["namespace"] == plan["namespace"] == "/left"
    assert agent["parameters"] == {"safety.auto_arm": True, "safety.ramp_seconds": 0.0}
    assert plan["run_dir"] == str(tmp_path / "run")
    assert plan["simulated_time"] is False


def test_launch_defaults_are_what_the_command_line_starts(tmp_path: Path) -> None:
    plan = plan_training({**DEFAULTS, "run_dir": str(tmp_path / "launched")})
    run = prepare_run(load_config("reach"), tmp_path / "started")
    started = training_plan(run.config_file, run.directory)
    for one, other in zip(plan["nodes"], started.nodes, strict=True):
        assert (one["executable"], one["namespace"]) == (other.executable, other.namespace)
        assert one["parameters"] == dict(other.parameters)
        there = Path(one["params_file"]).read_text().replace("launched", "started")
        assert there == other.params_file.read_text()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"steps": ""}, "steps:= is empty; leave it out, or give a value."),
        ({"seed": "many"}, "the launch arguments: run.seed is 'many'"),
        ({"steps": "-3"}, "run.steps is -3"),
        ({"set": "learner.n_stp=3"}, "did you mean 'learner.n_step'"),
        ({"set": "learner.n_step"}, "set:=learner.n_step: expected NAME=VALUE"),
        ({"set": "'learner.n_step=3"}, "cannot be read: No closing quotation"),
        ({"set": "run.steps=5", "steps": "6"}, "steps:= gives run.steps as 6 and set:= as 5"),
        ({"config": "gym"}, "'gym' is for ddpg-ros train --gym ENV_ID"),
        ({"namespace": "a-b"}, "the namespace is 'a-b'"),
        ({"set": "learner.replay_size=100000000000"}, ""),
    ],
)
def test_what_cannot_be_used_is_a_sentence_in_words_of_the_launch(
    values: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(DdpgRosError) as refused:
        plan_training({**DEFAULTS, **values, "run_dir": str(tmp_path / "run")})
    assert sentence in in_launch_words(str(refused.value))
    assert not (tmp_path / "run").exists()


def test_a_run_directory_in_use_is_refused_by_the_argument_s_name(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(RunDirectoryError) as refused:
        plan_training({**DEFAULTS, "run_dir": str(tmp_path)})
    assert "give another one with run_dir:=, leave it out" in in_launch_words(str(refused.value))


def test_a_domain_that_dds_has_no_ports_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "300")
    with pytest.raises(ConfigError, match="ROS_DOMAIN_ID is 300; expected 0 to 232"):
        plan_training({**DEFAULTS, "run_dir": str(tmp_path / "run")})
    assert not (tmp_path / "run").exists()


def test_a_window_without_a_display_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(DdpgRosError) as refused:
        plan_training({**DEFAULTS, "gui": "True", "run_dir": str(tmp_path / "run")})
    assert in_launch_words(str(refused.value)).startswith("gui:= opens a window")


@pytest.mark.parametrize(
    ("said", "in_launch"),
    [
        ("a namespace (ddpg-ros train --namespace second).", "a namespace (namespace:=second)."),
        ("give another one with --run-dir, leave", "give another one with run_dir:=, leave"),
        ("--gui opens a window; leave --gui out.", "gui:= opens a window; leave gui:= out."),
        ("ddpg-ros train --gym ENV_ID", "ddpg-ros train --gym ENV_ID"),
        ("or: ddpg-ros eval --policy FILE.", "or: ddpg-ros eval --policy FILE."),
    ],
)
def test_hints_speak_of_launch_arguments(said: str, in_launch: str) -> None:
    assert in_launch_words(said) == in_launch


def test_every_launch_argument_is_described_and_its_default_is_a_choice() -> None:
    for argument in (*TRAIN, *DEPLOY):
        assert argument.description
        assert not argument.choices or argument.default in argument.choices
        assert not argument.setting or argument.default == AS_CONFIGURED


def test_a_run_directory_in_which_nothing_was_learnt_goes_with_the_launch(tmp_path: Path) -> None:
    unused = prepare_run(load_config("reach"), tmp_path / "unused").directory
    used = prepare_run(load_config("reach"), tmp_path / "used").directory
    (used / "metrics.csv").touch()
    for folder in (unused, used, tmp_path / "never"):
        remove_unused(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["used"]


class AskedError(Exception):
    """What a resumed run is asked to replace."""


@pytest.fixture
def resuming(monkeypatch: pytest.MonkeyPatch) -> None:
    def resume_run(directory: Path, given: dict[str, object], *_: object, **__: object) -> None:
        raise AskedError(str(directory), given)

    monkeypatch.setattr(launched, "resume_run", resume_run)


@pytest.mark.usefixtures("resuming")
def test_a_launch_that_resumes_may_ask_for_what_the_command_line_may() -> None:
    values = {"resume": "runs/one", "steps": "4000", "record": "all", "tf": "true", "rviz": "True"}
    with pytest.raises(AskedError) as asked:
        plan_training({**DEFAULTS, **values, "set": "run.eval_episodes=3"})
    replaced = {"run.steps": 4000, "run.record": "all", "run.eval_episodes": 3}
    assert asked.value.args == ("runs/one", replaced)


@pytest.mark.usefixtures("resuming")
@pytest.mark.parametrize(
    ("name", "value"), [("config", "panda"), ("run_dir", "here"), ("init_from", "runs/other")]
)
def test_a_launch_that_resumes_takes_no_other_beginning(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} and resume exclude each other: "):
        plan_training({**DEFAULTS, "resume": "runs/one", name: value})


def test_a_deployment_without_a_policy_is_refused() -> None:
    values = {argument.name: argument.default for argument in DEPLOY}
    with pytest.raises(ConfigError, match="policy:= is empty; expected a policy file"):
        plan_deployment(values)
