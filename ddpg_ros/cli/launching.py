"""What the launch files are made of, on the standard library and launch alone.

`ros2 launch` runs in the system's Python, which need not have our requirements. So a launch file
asks a process of ours what to start (`cli/launched.py`), and gets plain data back: a `plan`.
"""

import atexit
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddpg_ros.cli.place import take_training_lock
from ddpg_ros.errors import EXIT_CODE, ConfigError, MachineError
from ddpg_ros.files.unused import remove_unused
from ddpg_ros.interpreter import chosen

AS_CONFIGURED = "config"
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")
BOOLEANS = ("false", "true", "False", "True")

_PATIENCE = 60.0  # [s] for a plan


@dataclass(frozen=True)
class LaunchArgument:
    """An argument of a launch file; empty `choices` allow any value."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()
    setting: str = ""
    """What it sets, unless its value is `config`; empty: it is no setting."""


_SHARED = (
    LaunchArgument("namespace", "", "Namespace of the nodes; empty: none"),
    LaunchArgument("set", "", "Any settings: 'learner.n_step=3 noise.sigma=0.2'"),
    LaunchArgument("log_level", "info", "Least severe message that is printed", LOG_LEVELS),
    LaunchArgument("tf", "false", "Start robot_state_publisher, if it is installed", BOOLEANS),
    LaunchArgument("rviz", "false", "Start RViz, and robot_state_publisher", BOOLEANS),
    LaunchArgument("gui", "false", "Show PyBullet's window", BOOLEANS),
)

TRAIN = (
    LaunchArgument("config", "reach", "A parameter file, or the name of one of ours"),
    LaunchArgument("steps", AS_CONFIGURED, "Control steps to train for", (), "run.steps"),
    LaunchArgument(
        "clock",
        AS_CONFIGURED,
        "Simulated time that waits for commands, the wall clock, or the configuration's choice",
        (AS_CONFIGURED, "lockstep", "realtime"),
        "run.clock",
    ),
    LaunchArgument("seed", AS_CONFIGURED, "Seeds every generator", (), "run.seed"),
    LaunchArgument(
        "record",
        AS_CONFIGURED,
        "Recordings: none, those around each latch, everything, or the configuration's choice",
        (AS_CONFIGURED, "off", "latch", "all"),
        "run.record",
    ),
    LaunchArgument("run_dir", "", "Run directory; empty: runs/TASK-DATE-TIME"),
    LaunchArgument("resume", "", "Directory of a run that goes on, with its own configuration"),
    LaunchArgument(
        "init_from",
        AS_CONFIGURED,
        "Run directory or policy file whose networks the training begins with",
        (),
        "run.init_from",
    ),
    LaunchArgument(
        "use_sim_time", "false", "The agent's clock is the simulator's topic 'clock'", BOOLEANS
    ),
    *_SHARED,
)

DEPLOY = (
    LaunchArgument("policy", "", "The policy file"),
    LaunchArgument("config", "", "A parameter file; empty: the policy's own settings"),
    LaunchArgument("simulate", "false", "Start the simulator in the robot's place", BOOLEANS),
    *_SHARED,
)


def declare(arguments: Iterable[LaunchArgument]) -> list[Any]:
    """Return what declares the arguments of a launch file."""
    from launch.actions import DeclareLaunchArgument

    return [
        DeclareLaunchArgument(
            argument.name,
            default_value=argument.default,
            description=argument.description,
            choices=list(argument.choices) or None,
        )
        for argument in arguments
    ]


def make_plan(kind: str, context: Any, arguments: Iterable[LaunchArgument]) -> dict[str, Any]:
    """Ask a process of ours for the plan of a launch; a run directory is made for a training.

    The process is in a session of its own, so that Ctrl-C does not end it half-way.

    Args:
        kind: `train` or `deploy`.
        context: of the launch.
        arguments: of the launch file.

    Returns:
        The plan: see `cli/launched.py`. The training's lock is held until the launch ends.

    Raises:
        DdpgRosError: the values cannot be used.
    """
    values = {a.name: context.launch_configurations[a.name] for a in arguments}
    command = [chosen(), "-m", "ddpg_ros.cli.main", "launch-plan", kind, json.dumps(values)]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, start_new_session=True
        )
    except subprocess.TimeoutExpired:
        raise MachineError(f"no plan of the launch came within {_PATIENCE:g} s.") from None
    if answer.returncode:
        said = answer.stderr.strip() or f"{command[0]} ended with {answer.returncode}"
        problem = ConfigError if answer.returncode == EXIT_CODE else MachineError
        raise problem(said.removeprefix("ddpg-ros: "))
    plan: dict[str, Any] = json.loads(answer.stdout)
    if plan["run_dir"]:
        atexit.register(remove_unused, Path(plan["run_dir"]))
    if plan["temporary"]:
        atexit.register(shutil.rmtree, plan["temporary"], ignore_errors=True)
    if kind == "train":
        _LOCKS.append(take_training_lock(plan["namespace"]))
    return plan


_LOCKS: list[socket.socket] = []


def prefix(blocked: bool = True) -> list[Any]:
    """Return what a process is started behind, in front of the user's own `launch-prefix`.

    Linux sends it SIGTERM when the launch dies, even by SIGKILL.

    Args:
        blocked: Ctrl-C waits until the process is up; for those that call `interpreter.begin`.
    """
    from launch.substitutions import LaunchConfiguration

    own = []
    if shutil.which("setpriv"):
        own.append("setpriv --pdeathsig TERM ")
    if blocked and shutil.which("env") and os.path.exists("/proc/self"):
        own.append("env --block-signal=INT ")
    return [*own, LaunchConfiguration("launch-prefix", default="")]


def nodes(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nodes of a plan, by name."""
    from launch_ros.actions import Node

    return {
        node["name"]: Node(
            package="ddpg_ros",
            executable=node["executable"],
            exec_name=node["name"],  # else the log would name the prefix
            namespace=node["namespace"],
            parameters=[node["params_file"], *([node["parameters"]] * bool(node["parameters"]))],
            remappings=[tuple(pair) for pair in node["remappings"]],
            ros_arguments=["--log-level", node["log_level"]],
            prefix=prefix(),
            output="screen",
        )
        for node in plan["nodes"]
    }


def stop(*actions: Any) -> list[Any]:
    """Return what ends processes of ours; the launch that includes ours goes on."""
    from launch.actions import EmitEvent
    from launch.events import matches_action
    from launch.events.process import ShutdownProcess

    return [
        EmitEvent(event=ShutdownProcess(process_matcher=matches_action(action)))
        for action in actions
    ]


def fail(context: Any, sentence: str) -> None:
    """Have `ros2 launch` end with an error, without ending anything; Ctrl-C is no failure."""
    if not context.is_shutdown:
        context.asyncio_loop.call_exception_handler({"message": sentence})


def viewers(plan: Mapping[str, Any], context: Any) -> list[Any]:
    """Return robot_state_publisher and RViz, as far as they are asked for and installed."""
    from launch_ros.actions import Node
    from launch_ros.parameter_descriptions import ParameterValue

    asked = context.launch_configurations
    rviz = asked["rviz"].lower() == "true"
    time = {"use_sim_time": plan["simulated_time"]}
    urdf = {"robot_description": ParameterValue(plan["robot_description"], value_type=str)}
    shared: dict[str, Any] = {
        "namespace": plan["namespace"],
        "remappings": [("/clock", "clock"), ("/tf", "tf"), ("/tf_static", "tf_static")],
        "prefix": prefix(blocked=False),
        "output": "screen",
    }
    found: list[Any] = []
    if asked["tf"].lower() == "true" or (rviz and plan["simulated"]):
        package = "robot_state_publisher"
        found += _if_installed(
            package,
            lambda: Node(package=package, executable=package, parameters=[time | urdf], **shared),
        )
    if rviz:
        words = ["-d", plan["rviz"], "-f", plan["base"]]
        found += _if_installed(
            "rviz2",
            lambda: Node(
                package="rviz2",
                executable="rviz2",
                exec_name="rviz2",
                arguments=words,
                parameters=[time],
                **shared,
            ),
        )
    return found


def _if_installed(package: str, make: Callable[[], Any]) -> list[Any]:
    """Return the action that `make` makes, or if the package is not there, a line on that."""
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix
    from launch.actions import LogInfo

    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        distro, name = os.environ.get("ROS_DISTRO", "jazzy"), package.replace("_", "-")
        line = f"{package} is not installed, so it does not run: apt install ros-{distro}-{name}"
        return [LogInfo(msg=line)]
    return [make()]
