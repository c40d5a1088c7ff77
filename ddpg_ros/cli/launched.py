"""`ddpg-ros launch-plan`: what a launch file is to start, as JSON; the launch files call it.

It checks what the command line checks, in words of `ros2 launch`.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from ddpg_ros.cli.console import plain_console
from ddpg_ros.cli.deploy_plan import deploy_plan, order_of_arming
from ddpg_ros.cli.launching import AS_CONFIGURED, TRAIN
from ddpg_ros.cli.plan import (
    SIMULATED,
    ProcessPlan,
    absolute_namespace,
    load_arm_config,
    report_command,
    training_plan,
)
from ddpg_ros.cli.preflight import require_display
from ddpg_ros.cli.prepare import in_new_directory, joined, notes_on, prepare, prepare_resumed
from ddpg_ros.cli.resume import ResumedRun, resume_run
from ddpg_ros.config.parameter_file import read_assignments, share_file
from ddpg_ros.config.run_directory import Run
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, DdpgRosError
from ddpg_ros.extras import require
from ddpg_ros.robot.arm import Robot
from sim.robot_description import base_link, shareable

Values = Mapping[str, str]

_PROGRAM = "ros2 run ddpg_ros ddpg-ros"
"""In a workspace, `ddpg-ros` itself is on no path."""


def launch_plan(
    kind: Annotated[str, typer.Argument(help="train or deploy.")],
    values: Annotated[str, typer.Argument(help="The launch arguments, as JSON.")],
) -> None:
    """Print what a launch file is to start, as JSON."""
    try:
        plan = _KINDS[kind](json.loads(values))
    except DdpgRosError as error:
        raise type(error)(in_launch_words(str(error))) from None
    typer.echo(json.dumps(plan))


def plan_training(values: Values) -> dict[str, Any]:
    """Prepare a run and plan it from the launch arguments.

    Args:
        values: a value for each of `launching.TRAIN`.

    Returns:
        The nodes, the run directory and the report's command; as `_plan` lays them out.

    Raises:
        DdpgRosError: an invalid configuration, value, run directory, machine or ROS domain.
    """
    if values["resume"]:
        return _plan_resumed(values)
    namespace, file = values["namespace"], values["config"]
    options = _options(values)
    run_dir = Path(values["run_dir"]) if values["run_dir"] else None
    if run_dir is not None:
        options["run.directory"] = ("run_dir:=", values["run_dir"])
    loaded = in_new_directory(load_arm_config(file, namespace), file)
    settings = loaded.with_parameters(
        joined(_assigned(values), options), source="the launch arguments"
    )
    require("rclpy", "pybullet")
    _require_window(values)
    with ExitStack() as held:
        run = prepare(settings, run_dir, "", namespace, held, plain_console(stderr=True))
    return _planned(values, run)


def _plan_resumed(values: Values) -> dict[str, Any]:
    """Plan a run that goes on; it has its own configuration, of which some may be replaced."""
    own = {argument.name: argument.default for argument in TRAIN}
    given = [name for name in ("config", "run_dir", "init_from") if values[name] != own[name]]
    if given:
        raise ConfigError(
            f"{', '.join(given)} and resume exclude each other: a run goes on as it began, in its "
            "own directory."
        )
    replaced = joined(_assigned(values), _options(values))
    require("rclpy", "pybullet")
    _require_window(values)
    with ExitStack() as held:
        resumed = resume_run(Path(values["resume"]), replaced, held, of_an_arm=dict(SIMULATED))
        if resumed.environment:
            raise ConfigError(
                f"the run {resumed.run.directory} is of the Gymnasium environment "
                f"{resumed.environment}, without nodes: ddpg-ros train --resume goes on with it."
            )
        prepare_resumed(resumed, values["namespace"], held)
    return _planned(values, resumed.run, resumed)


def _planned(values: Values, run: Run, resumed: ResumedRun | None = None) -> dict[str, Any]:
    namespace = values["namespace"]
    plan = training_plan(
        run.config_file,
        run.directory,
        namespace=namespace,
        log_level=values["log_level"],
        gui=_is_true(values["gui"]),
        use_sim_time=_is_true(values["use_sim_time"]),
        recording=run.config.recording,
        resumed=resumed,
    )
    return _plan(
        plan.nodes,
        run_dir=str(run.directory),
        namespace=absolute_namespace(namespace),
        simulated=True,
        simulated_time=run.config.run.clock == "lockstep",
        notes=[
            *(resumed.sentences[-1:] if resumed is not None else []),  # the agent says the rest
            f"run directory: {run.directory}",
            *notes_on(run.config),
        ],
        report=report_command(run.directory),
        **_seen(run.config),
    )


def plan_deployment(values: Values) -> dict[str, Any]:
    """Plan guard and policy, and perhaps the simulator, from the launch arguments.

    Args:
        values: a value for each of `launching.DEPLOY`.

    Raises:
        DdpgRosError: a value that cannot be used, or a policy of another arm or task.
    """
    if not values["policy"]:
        raise ConfigError(
            "policy:= is empty; expected a policy file, policy:=runs/…/policy.safetensors."
        )
    _require_window(values)
    namespace = values["namespace"]
    deployment = deploy_plan(
        Path(values["policy"]),
        values["config"],
        namespace,
        _is_true(values["simulate"]),
        _assigned(values),
        log_level=values["log_level"],
        gui=_is_true(values["gui"]),
    )
    return _plan(
        deployment.plan.nodes,
        namespace=absolute_namespace(namespace),
        temporary=str(deployment.folder),
        simulated=_is_true(values["simulate"]),
        **_seen(deployment.config),
        notes=[order_of_arming(deployment.config, namespace, _PROGRAM)],
    )


def _plan(nodes: tuple[ProcessPlan, ...], **more: Any) -> dict[str, Any]:
    """Lay a plan out: what is not given is empty."""
    empty = {"run_dir": "", "temporary": "", "simulated_time": False, "report": []}
    described = [
        {
            "name": node.name,
            "executable": node.executable,
            "namespace": node.namespace,
            "params_file": str(node.params_file),
            "parameters": dict(node.parameters),
            "remappings": [list(pair) for pair in node.remappings],
            "log_level": node.log_level,
        }
        for node in nodes
    ]
    return empty | {"nodes": described} | more


def _seen(config: Config) -> dict[str, str]:
    """Return what RViz and robot_state_publisher need to know of the arm."""
    robot = Robot.of(config)
    return {
        "robot_description": shareable(robot),
        "base": base_link(robot),
        "rviz": str(share_file("config/ddpg_ros.rviz")),
    }


_KINDS: dict[str, Callable[[Values], dict[str, Any]]] = {
    "train": plan_training,
    "deploy": plan_deployment,
}


def in_launch_words(sentence: str) -> str:
    """Return a sentence that names options of `ddpg-ros` with launch arguments instead."""
    sentence = re.sub(r"(?:ddpg-ros \w+ )?--namespace second", "namespace:=second", sentence)
    sentence = re.sub(r"--set (?=\S+: expected)", "set:=", sentence)
    names = "run-dir|init-from|namespace|gui|steps|seed|clock|config|policy|simulate|set"
    return re.sub(
        rf"(?<!eval )--({names})\b", lambda match: match[1].replace("-", "_") + ":=", sentence
    )


def _options(values: Values) -> dict[str, tuple[str, Any]]:
    """Return the settings that have an argument of their own: its name, and the value."""
    options: dict[str, tuple[str, Any]] = {}
    for argument in TRAIN:
        name, value = argument.name, values[argument.name]
        if argument.setting and value != AS_CONFIGURED:
            if not value.strip():
                raise ConfigError(f"{name}:= is empty; leave it out, or give a value.")
            read = read_assignments([f"{argument.setting}={value}"])[argument.setting]
            options[argument.setting] = (f"{name}:=", read)
    return options


def _assigned(values: Values) -> dict[str, Any]:
    try:
        words = shlex.split(values["set"])
    except ValueError as error:
        raise ConfigError(f"set:={values['set']} cannot be read: {error}.") from None
    return read_assignments(words)


def _is_true(text: str) -> bool:
    return text.lower() == "true"


def _require_window(values: Values) -> None:
    if _is_true(values["gui"]):
        require_display()
