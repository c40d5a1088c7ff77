"""The plan of a training, as plain data: its nodes and their parameters.

`ddpg-ros train` and `train.launch.py` execute the same `RunPlan`, the former with subprocesses
and the latter with ROS 2's launch, so both start the same nodes. So do `ddpg-ros deploy` and
`deploy.launch.py`, by `deploy_plan.py`.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ddpg_ros.cli.launching import LOG_LEVELS
from ddpg_ros.cli.resume import ResumedRun
from ddpg_ros.config.parameter_file import find_config, load_config, own_configs
from ddpg_ros.config.settings import Config
from ddpg_ros.config.yaml_text import write_inline
from ddpg_ros.errors import ConfigError


@dataclass(frozen=True)
class ProcessPlan:
    """One node and its arguments."""

    name: str
    executable: str  # for `ros2 run ddpg_ros`, and `python -m ddpg_ros.executables`
    params_file: Path
    parameters: tuple[tuple[str, bool | int | float | str], ...] = ()  # override the file
    namespace: str = ""  # empty or absolute, `/left`
    log_level: str = "info"
    remappings: tuple[tuple[str, str], ...] = ()
    essential: bool = True  # whether the run ends if this node does

    def command(self) -> list[str]:
        """Return the command that starts this node with the current interpreter."""
        command = [sys.executable, "-m", "ddpg_ros.executables", self.executable, "--ros-args"]
        command += ["--params-file", str(self.params_file), "--log-level", self.log_level]
        if self.namespace:
            command += ["-r", f"__ns:={self.namespace}"]
        for old, new in self.remappings:
            command += ["-r", f"{old}:={new}"]
        for name, value in self.parameters:
            command += ["-p", f"{name}:={write_inline(value)}"]
        return command


SIMULATED = (("safety.auto_arm", True), ("safety.ramp_seconds", 0.0))
"""Parameters of an agent with a simulated arm: it arms itself, as the arm can hurt no person."""


@dataclass(frozen=True)
class RunPlan:
    """The nodes of a run in starting order; the run ends when the main node ends."""

    nodes: tuple[ProcessPlan, ...]
    log_dir: Path | None = None
    """Folder of the nodes' output; None: the terminal of this process."""
    main: str = "agent"


def report_command(run_dir: Path) -> list[str]:
    """Return the command that draws a run's learning curve and rollout."""
    return [sys.executable, "-m", "ddpg_ros.cli.main", "report", str(run_dir)]


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
    resumed: ResumedRun | None = None,
) -> RunPlan:
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
        resumed: the run that goes on; None for a new one.

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
    goes_on: tuple[tuple[str, bool | int | float | str], ...] = ()
    if resumed is not None:
        pictures += (("resets_before", resumed.resets_before),)
        goes_on = (("run.resume", True),)
    if record is not None:
        pictures += (("record", str(record)), ("record_episodes", episodes))
    simulator = ProcessPlan(
        name="simulator",
        executable="simulator",
        params_file=config_file,
        parameters=pictures,
        namespace=absolute,
        log_level=log_level,
    )
    agent = ProcessPlan(
        name="agent",
        executable="agent",
        params_file=config_file,
        parameters=SIMULATED + ((("use_sim_time", True),) if use_sim_time else ()) + goes_on,
        namespace=absolute,
        log_level=log_level,
    )
    recorder = ProcessPlan(
        name="recorder",
        executable="recorder",
        params_file=config_file,
        parameters=(("run.record", recording),),
        namespace=absolute,
        log_level=log_level,
        essential=False,
    )
    nodes = (simulator, agent) if recording == "off" else (simulator, recorder, agent)
    return RunPlan(nodes, run_dir / "log")
