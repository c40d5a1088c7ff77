"""Runs a policy file over topics against the simulator: for `eval`, `play` and `report`."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from ddpg_ros.cli.plan import training_plan
from ddpg_ros.cli.progress import RunProgress
from ddpg_ros.cli.supervise import Supervisor
from ddpg_ros.config import Config, from_parameters
from ddpg_ros.control.policy import Policy
from ddpg_ros.errors import ConfigError
from ddpg_ros.run_directory import SUMMARY, Run, prepare_run


def config_of(path: Path, policy: Policy, episodes: int, seed: int | None = None) -> Config:
    """Return the configuration that a policy was trained with, set up to run it greedily.

    Raises:
        ConfigError: the policy drives no arm.
    """
    if not policy.about.joints:
        raise ConfigError(
            f"{path} was trained on Gymnasium's {policy.about.task} and drives no arm; "
            "run it with ddpg-ros eval."
        )
    return from_parameters(policy.about.config, f"the settings in {path}").replace(
        run__policy=str(path.resolve()), run__eval_episodes=episodes, run__seed=seed
    )


def run_policy(
    config: Config, console: Console | None = None, gif: Path | None = None, gui: bool = False
) -> dict[str, Any]:
    """Run greedy episodes over topics; return the summary.

    Raises:
        typer.Exit: the run failed or was interrupted; it has been said.
    """
    with temporary_run(config) as run:
        episodes = config.run.eval_episodes
        plan = training_plan(
            run.config_file, run.directory, gui=gui, record=gif, episodes=episodes
        )
        quiet = Console(quiet=True)
        with (
            Supervisor(plan) as supervisor,
            RunProgress(run.directory, 0, episodes, console or quiet),
        ):
            while (outcome := supervisor.wait(1.0)) is None:
                pass
        if outcome.kind != "finished":
            typer.echo(outcome.message, err=True)
            raise typer.Exit(outcome.code)
        summary: dict[str, Any] = json.loads((run.directory / SUMMARY).read_text("utf-8"))
        return summary


@contextmanager
def temporary_run(config: Config) -> Iterator[Run]:
    """Prepare a run in a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as folder:
        yield prepare_run(config, Path(folder))
