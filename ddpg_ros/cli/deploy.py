"""`ddpg-ros deploy`: a policy behind the guard; `arm`, `reset` and `estop`: calls to both."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ddpg_ros.cli.deploy_plan import deploy_plan, order_of_arming
from ddpg_ros.cli.place import require_ros_domain
from ddpg_ros.cli.plan import absolute_namespace
from ddpg_ros.cli.preflight import require_display
from ddpg_ros.cli.supervise import Supervisor
from ddpg_ros.config.parameter_file import read_assignments
from ddpg_ros.extras import require

_OPERATOR = "ddpg_ros.ros.nodes.operator"

Namespace = Annotated[str, typer.Option(help="Namespace of the nodes.")]


def deploy(
    policy: Annotated[Path, typer.Option(help="The policy file.")],
    config: Annotated[
        str,
        typer.Option(help="A YAML file, or one of ours; default: the policy's own settings."),
    ] = "",
    namespace: Namespace = "",
    simulate: Annotated[
        bool, typer.Option(help="Start the simulator in the robot's place.")
    ] = False,
    gui: Annotated[bool, typer.Option(help="Show the simulator's window.")] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting, for every node; repeat."),
    ] = None,
) -> None:
    """Run a policy behind the guard until Ctrl-C, as `deploy.launch.py` does; both disarmed."""
    if gui:
        require_display()
    assigned = read_assignments(changes or [])
    deployment = deploy_plan(policy, config, namespace, simulate, assigned, gui=gui)
    try:
        console = Console(markup=False)
        line = order_of_arming(deployment.config, namespace)
        console.print(line, highlight=False, soft_wrap=True)
        with Supervisor(deployment.plan) as supervisor:
            outcome = supervisor.wait()
    finally:
        shutil.rmtree(deployment.folder, ignore_errors=True)
    if outcome.message:
        typer.echo(outcome.message, err=outcome.kind == "failed")
    raise typer.Exit(0 if outcome.kind == "interrupted" else outcome.code)


def arm(namespace: Namespace = "") -> None:
    """Arm guard and policy of a deployment, in the order that the guard's fallback asks for."""
    _call("arm", namespace)


def reset(namespace: Namespace = "") -> None:
    """Clear a latched fault or emergency stop of guard and policy; both are disarmed then."""
    _call("reset", namespace)


def estop(namespace: Namespace = "") -> None:
    """Stop guard and policy, latched; no substitute for the robot's own emergency stop."""
    _call("estop", namespace)


def _call(verb: str, namespace: str) -> None:
    require("rclpy")
    require_ros_domain()
    absolute = absolute_namespace(namespace)
    command = [sys.executable, "-m", _OPERATOR, "--ros-args", "-p", f"verb:={verb}"]
    if absolute:
        command += ["-r", f"__ns:={absolute}"]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
