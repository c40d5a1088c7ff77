"""The plan of a training, as plain data: its nodes and their parameters.

`ddpg-ros train` and `train.launch.py` execute the same `TrainingPlan`, the former with
subprocesses and the latter with ROS 2's launch, so both start the same nodes.
"""

import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ddpg_ros.cli.preflight import require_ros_domain, take_training_lock
from ddpg_ros.config.parameter_file import find_config, load_config, own_configs
from ddpg_ros.config.run_directory import prepare_run
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError

LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")
AS_CONFIGURED = "config"
_BOOLEANS = ("false", "true")


@dataclass(frozen=True)
class ProcessPlan:
    """One node and its arguments."""

    name: str
    module: str  # for `python -m`
    executable: str  # for `ros2 run ddpg_ros`
    params_file: Path
    parameters: tuple[tuple[str, bool | int | float | str], ...] = ()  # override the file
    namespace: str = ""  # empty or absolute, `/left`
    log_level: str = "info"
    essential: bool = True  # whether the run ends if this node does

    def command(self) -> list[str]:
        """Return the command that starts this node with the current interpreter."""
        command = [sys.executable, "-m", self.module, "--ros-args"]
        command += ["--params-file", str(self.params_file), "--log-level", self.log_level]
        if self.namespace:
            command += ["-r", f"__ns:={self.namespace}"]
        for name, value in self.parameters:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            command += ["-p", f"{name}:={text}"]
        return command


SIMULATED = (("safety.auto_arm", True), ("safety.ramp_seconds", 0.0))
"""Parameters of an agent with a simulated arm: it arms itself, as the arm can hurt no person."""


@dataclass(frozen=True)
class TrainingPlan:
    """The nodes of a training in starting order; the run ends when the main node ends."""

    run_dir: Path
    nodes: tuple[ProcessPlan, ...]
    main: str = "agent"
    lock: socket.socket | None = field(default=None, compare=False)
    """Keeps other trainings out of this ROS domain and namespace while the plan exists."""

    @property
    def log_dir(self) -> Path:
        """The folder of the nodes' output."""
        return self.run_dir / "log"

    def report_command(self) -> list[str]:
        """Return the command that draws the learning curve and the rollout afterwards."""
        return [sys.executable, "-m", "ddpg_ros.cli.main", "report", str(self.run_dir)]


def load_arm_config(name: str, namespace: str = "") -> Config:
    """Read the configuration of an arm.

    Args:
        name: a YAML file, or the name of a configuration that ships with this package.
        namespace: of the nodes; selects the sections of the file that apply.

    Raises:
        ConfigError: the configuration is invalid, or is the one for Gymnasium.
    """
    if find_config(name).samefile(find_config("gym")):
        raise ConfigError(
            f"the configuration '{name}' is for ddpg-ros train --gym ENV_ID; for an arm take one "
            f"of {', '.join(sorted(set(own_configs()) - {'gym'}))}, or a file of yours."
        )
    return load_config(name, absolute_namespace(namespace))


def absolute_namespace(namespace: str) -> str:
    """Return `/left/arm` for `left/arm`; empty stays empty.

    Raises:
        ConfigError: not a valid ROS name.
    """
    inner = namespace.strip("/")
    if inner and not re.fullmatch(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*", inner, re.ASCII):
        raise ConfigError(
            f"the namespace is '{namespace}'; expected letters, digits and underscores, no digit "
            "first, parts separated by '/', for example left/arm."
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
    recording: str = "off",
) -> TrainingPlan:
    """Plan a training: the simulator, the recorder and the agent, with one parameter file.

    Args:
        config_file: the resolved configuration, as `prepare_run` writes it.
        run_dir: the run directory.
        namespace: of both nodes; a second arm needs its own.
        log_level: the least severe messages that the nodes print.
        gui: shows PyBullet's window.
        use_sim_time: the agent uses the simulator's clock.
        record: where the simulator writes a GIF; None writes none.
        episodes: number of episodes in the GIF.
        recording: what the recorder writes, `latch` or `all`; `off` starts none.

    Raises:
        ConfigError: an unknown log level, an invalid namespace, or `use_sim_time` in a namespace.
    """
    if log_level not in LOG_LEVELS:
        raise ConfigError(f"log level '{log_level}' is not one of {', '.join(LOG_LEVELS)}.")
    if use_sim_time and namespace.strip("/"):
        raise ConfigError(
            "use_sim_time reads /clock, and the simulator in a namespace publishes its clock "
            "there; leave out the namespace or use_sim_time."
        )
    absolute = absolute_namespace(namespace)
    pictures: tuple[tuple[str, bool | int | float | str], ...] = (("gui", True),) if gui else ()
    if record is not None:
        pictures += (("record", str(record)), ("record_episodes", episodes))
    simulator = ProcessPlan(
        name="simulator",
        module="sim.simulator_node",
        executable="simulator",
        params_file=config_file,
        parameters=pictures,
        namespace=absolute,
        log_level=log_level,
    )
    agent = ProcessPlan(
        name="agent",
        module="ddpg_ros.ros.nodes.agent",
        executable="agent",
        params_file=config_file,
        parameters=SIMULATED + ((("use_sim_time", True),) if use_sim_time else ()),
        namespace=absolute,
        log_level=log_level,
    )
    recorder = ProcessPlan(
        name="recorder",
        module="ddpg_ros.ros.nodes.recorder",
        executable="recorder",
        params_file=config_file,
        parameters=(("run.record", recording),),
        namespace=absolute,
        log_level=log_level,
        essential=False,
    )
    nodes = (simulator, agent) if recording == "off" else (simulator, recorder, agent)
    return TrainingPlan(run_dir=run_dir, nodes=nodes)


@dataclass(frozen=True)
class LaunchArgument:
    """An argument of the launch file; empty `choices` allow any value."""

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
        "Simulated time that waits for commands, the wall clock, or the configuration's choice",
        (AS_CONFIGURED, "lockstep", "realtime"),
    ),
    LaunchArgument("seed", AS_CONFIGURED, "Seeds every generator; a whole number, or 'config'"),
    LaunchArgument(
        "record",
        AS_CONFIGURED,
        "Recordings: none, those around each latch, everything, or the configuration's choice",
        (AS_CONFIGURED, "off", "latch", "all"),
    ),
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
        DdpgRosError: an invalid configuration, value, run directory or ROS domain.
    """
    require_ros_domain()
    clock, seed, record = (
        None if values[k] == AS_CONFIGURED else values[k] for k in ("clock", "seed", "record")
    )
    if seed is not None and not seed.isdecimal():
        raise ConfigError(f"seed is '{seed}'; expected a whole number, 0 or more, or 'config'.")
    config = load_arm_config(values["config"], values["namespace"]).with_parameters(
        {
            "run.clock": clock,
            "run.seed": None if seed is None else int(seed),
            "run.record": record,
        },
        source="the launch arguments",
    )
    if config.run.policy:
        raise ConfigError(
            f"run.policy is {config.run.policy!r}, a policy to run without learning, and this "
            "trains; leave it out of the configuration."
        )
    lock = take_training_lock(absolute_namespace(values["namespace"]))
    run = prepare_run(config, Path(values["run_dir"]) if values["run_dir"] else None)
    plan = training_plan(
        run.config_file,
        run.directory,
        namespace=values["namespace"],
        log_level=values["log_level"],
        gui=values["gui"] == "true",
        use_sim_time=values["use_sim_time"] == "true",
        recording=config.recording,
    )
    return replace(plan, lock=lock)
