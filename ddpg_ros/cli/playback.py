"""Runs a policy in the simulator over ROS topics, for `eval`, `play` and `report`."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from ddpg_ros.cli.console import plain_console
from ddpg_ros.cli.plan import training_plan
from ddpg_ros.cli.progress import RunProgress
from ddpg_ros.cli.supervise import Supervisor
from ddpg_ros.config.run_directory import SUMMARY, Run, prepare_run
from ddpg_ros.config.settings import Config, from_parameters
from ddpg_ros.control.policy import Policy
from ddpg_ros.errors import ConfigError, MachineError
from ddpg_ros.extras import require
from ddpg_ros.ros_domain import require_ros_domain

_RECORDING_GRACE_S = 60.0  # the simulator writes its GIF at the end


def config_of(path: Path, policy: Policy, episodes: int, seed: int | None = None) -> Config:
    """Return the configuration that a policy was trained with, changed to run greedy episodes.

    Args:
        path: the policy file.
        policy: its content.
        episodes: how many to run.
        seed: of starts and goals; None keeps the training's.

    Raises:
        ConfigError: the policy is for a Gymnasium environment, or its settings are invalid.
    """
    if not policy.about.joints:
        raise ConfigError(
            f"{path} was trained on Gymnasium's {policy.about.task} and drives no arm; "
            "run it with ddpg-ros eval."
        )
    trained = from_parameters(policy.about.config, f"the settings in {path}")
    return trained.with_parameters(
        {
            "run.policy": str(path.resolve()),
            "run.eval_episodes": episodes,
            "run.seed": seed,
            "run.record": "off",
        },
        source="the command line",
    )


def run_policy(
    config: Config, console: Console | None = None, gif: Path | None = None, gui: bool = False
) -> dict[str, Any]:
    """Run greedy episodes over ROS topics.

    Args:
        config: as `config_of` returns it.
        console: shows the progress; None shows none.
        gif: where the simulator writes a GIF; None writes none.
        gui: shows PyBullet's window.

    Returns:
        The content of summary.json.

    Raises:
        ConfigError: ROS_DOMAIN_ID is invalid.
        MachineError: rclpy or PyBullet is not installed, or the simulator wrote no GIF.
        typer.Exit: the run failed or was interrupted; its message is already printed.
    """
    require("rclpy", "pybullet")
    require_ros_domain()
    with temporary_run(config) as run:
        episodes, began_at = config.run.eval_episodes, time.time()
        plan = training_plan(
            run.config_file,
            run.directory,
            namespace=f"ddpg_ros_{os.getpid()}",  # apart from a training that may be running
            gui=gui,
            record=gif,
            episodes=episodes,
        )
        quiet = plain_console(quiet=True)
        with (
            Supervisor(plan, others_grace_s=_RECORDING_GRACE_S) as supervisor,
            RunProgress(run.directory, 0, episodes, console or quiet),
        ):
            outcome = supervisor.wait()
        if outcome.kind != "finished":
            typer.echo(outcome.message, err=True)
            raise typer.Exit(outcome.code)
        if gif is not None and not (gif.exists() and gif.stat().st_mtime >= began_at):
            raise MachineError(f"the simulator wrote no {gif}; is there room on the disk?")
        summary: dict[str, Any] = json.loads((run.directory / SUMMARY).read_text("utf-8"))
        return summary


@contextmanager
def temporary_run(config: Config) -> Iterator[Run]:
    """Prepare a run in a temporary directory, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as folder:
        yield prepare_run(config, Path(folder))
