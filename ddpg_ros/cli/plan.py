"""What a training starts, as plain data.

`ddpg-ros train` and `train.launch.py` start the same nodes with the same parameters: both carry
out a `TrainingPlan`, the one with subprocesses and the other with ROS 2's launch.
"""

import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ddpg_ros.cli.preflight import require_ros_domain, take_training_place
from ddpg_ros.config.parameter_file import find_config, load_config, own_configs
from ddpg_ros.config.run_directory import prepare_run
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError

LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")
AS_CONFIGURED = "config"
_BOOLEANS = ("false", "true")


@dataclass(frozen=True)
class ProcessPlan:
    """One node: what runs it and what it is given."""

    name: str
    module: str  # for `python -m`
    executable: str  # for `ros2 run ddpg_ros`
    params_file: Path
    parameters: tuple[tuple[str, bool | int | float | str], ...] = ()  # on top of the file
    namespace: str = ""  # "" or absolute, "/left"
    log_level: str = "info"

    def command(self) -> list[str]:
        """Return the arguments that start this node with the interpreter that runs now."""
        command = [sys.executable, "-m", self.module, "--ros-args"]
        command += ["--params-file", str(self.params_file), "--log-level", self.log_level]
        if self.namespace:
            command += ["-r", f"__ns:={self.namespace}"]
        for name, value in self.parameters:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            command += ["-p", f"{name}:={text}"]
        return command


SIMULATED = (("safety.auto_arm", True), ("safety.ramp_seconds", 0.0))
"""What an agent is told whose arm is simulated: nobody need arm it, and nothing can be hurt."""


@dataclass(frozen=True)
class TrainingPlan:
    """The nodes of a training in starting order; the run ends when the main one does."""

    run_dir: Path
    nodes: tuple[ProcessPlan, ...]
    main: str = "agent"
    place: socket.socket | None = field(default=None, compare=False)
    """Held for as long as there is the plan: no other training goes where this one does."""

    @property
    def log_dir(self) -> Path:
        """Where the output of each node goes."""
        return self.run_dir / "log"

    def report_command(self) -> list[str]:
        """Return the arguments that draw the learning curve and the rollout afterwards."""
        return [sys.executable, "-m", "ddpg_ros.cli.main", "report", str(self.run_dir)]


def load_arm_config(name: str, namespace: str = "") -> Config:
    """Read the configuration of an arm: a YAML file, or the name of one of ours.

    Args:
        name: the file or the name.
        namespace: of the nodes, whose sections of the file count.

    Raises:
        ConfigError: Gymnasium's, which says nothing of an arm, or one that cannot be used.
    """
    if find_config(name).samefile(find_config("gym")):
        raise ConfigError(
            f"the configuration '{name}' is for ddpg-ros train --gym ENV_ID; for an arm take one "
            f"of {', '.join(sorted(set(own_configs()) - {'gym'}))}, or a file of yours."
        )
    return load_config(name, absolute_namespace(namespace))


def absolute_namespace(namespace: str) -> str:
    """Return `/left/arm` for `left/arm`, and nothing for nothing.

    Raises:
        ConfigError: no ROS name.
    """
    inner = namespace.strip("/")
    if inner and not re.fullmatch(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", inner, re.ASCII):
        raise ConfigError(
            f"the namespace is '{namespace}'; expected letters, digits and underscores, no digit "
            "first, parts divided by '/', for example left/arm."
        )
    return f"/{inner}" if inner else ""


def training_plan(
    config_file: Path,
    run_dir: Path,
    namespace: str = "",
    log_level: str = "info",
    gui: bool = False,
    use_sim_time: bool = False,
    record: Path | None = None,
    episodes: int = 0,
) -> TrainingPlan:
    """Plan a training: the simulator and the agent, with one parameter file.

    Args:
        config_file: the resolved configuration, as `prepare_run` writes it.
        run_dir: where the run's results go.
        namespace: namespace of both nodes; a second arm needs one.
        log_level: the least severe message that nodes print.
        gui: show PyBullet's window.
        use_sim_time: the agent's clock is the simulator's; the simulator itself is that clock.
        record: where the simulator writes a GIF; None: nowhere.
        episodes: how many episodes the GIF shows.

    Raises:
        ConfigError: an unknown log level.
    """
    if log_level not in LOG_LEVELS:
        raise ConfigError(f"log level '{log_level}' is not one of {', '.join(LOG_LEVELS)}.")
    if use_sim_time and namespace.strip("/"):
        raise ConfigError(
            "use_sim_time reads /clock, and the simulator in a namespace publishes its clock "
            "there; leave out the namespace or use_sim_time."
        )
    place = absolute_namespace(namespace)
    shown: tuple[tuple[str, bool | int | float | str], ...] = (("gui", True),) if gui else ()
    if record is not None:
        shown += (("record", str(record)), ("record_episodes", episodes))
    simulator = ProcessPlan(
        name="simulator",
        module="sim.simulator_node",
        executable="simulator",
        params_file=config_file,
        parameters=shown,
        namespace=place,
        log_level=log_level,
    )
    agent = ProcessPlan(
        name="agent",
        module="ddpg_ros.ros.nodes.agent",
        executable="agent",
        params_file=config_file,
        parameters=SIMULATED + ((("use_sim_time", True),) if use_sim_time else ()),
        namespace=place,
        log_level=log_level,
    )
    return TrainingPlan(run_dir=run_dir, nodes=(simulator, agent))


@dataclass(frozen=True)
class LaunchArgument:
    """An argument of the launch file; `choices` is empty where anything may be given."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


LAUNCH_ARGUMENTS = (
    LaunchArgument("namespace", "", "Namespace of the nodes; empty: none"),
    LaunchArgument("config", "reach", "A parameter file, or the name of one of ours"),
    LaunchArgument(
        "clock",
        AS_CONFIGURED,
        "Simulated time that waits for commands, the wall clock, or what the config says",
        (AS_CONFIGURED, "lockstep", "realtime"),
    ),
    LaunchArgument("seed", AS_CONFIGURED, "Seeds every generator; a whole number, or 'config'"),
    LaunchArgument("run_dir", "", "Run directory; empty: runs/TASK-DATE-TIME"),
    LaunchArgument("gui", "false", "Show PyBullet's window", _BOOLEANS),
    LaunchArgument("log_level", "info", "Least severe message that is printed", LOG_LEVELS),
    LaunchArgument(
        "use_sim_time", "false", "The agent's clock is the simulator's topic 'clock'", _BOOLEANS
    ),
)


def plan_launch(values: Mapping[str, str]) -> TrainingPlan:
    """Prepare a run and plan it from the launch arguments.

    Args:
        values: a value for each of `LAUNCH_ARGUMENTS`.

    Raises:
        DdpgRosError: a configuration, value, run directory or ROS domain that cannot be used.
    """
    require_ros_domain()
    clock, seed = (None if values[k] == AS_CONFIGURED else values[k] for k in ("clock", "seed"))
    if seed is not None and not seed.isdecimal():
        raise ConfigError(f"seed is '{seed}'; expected a whole number, 0 or more, or 'config'.")
    config = load_arm_config(values["config"], values["namespace"]).with_parameters(
        {"run.clock": clock, "run.seed": None if seed is None else int(seed)},
        source="the launch arguments",
    )
    if config.run.policy:
        raise ConfigError(
            f"run.policy is {config.run.policy!r}, a policy to run without learning, and this "
            "trains; leave it out of the configuration."
        )
    place = take_training_place(absolute_namespace(values["namespace"]))
    run = prepare_run(config, Path(values["run_dir"]) if values["run_dir"] else None)
    plan = training_plan(
        run.config_file,
        run.directory,
        namespace=values["namespace"],
        log_level=values["log_level"],
        gui=values["gui"] == "true",
        use_sim_time=values["use_sim_time"] == "true",
    )
    return replace(plan, place=place)
