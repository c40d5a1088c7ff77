"""Runs a prepared training until it ends: over ROS topics, or in a Gymnasium environment."""

import signal
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ddpg_ros.cli.plan import training_plan
from ddpg_ros.cli.progress import RunProgress
from ddpg_ros.cli.resume import ResumedRun
from ddpg_ros.cli.supervise import Outcome, Supervisor
from ddpg_ros.config.run_directory import Run
from ddpg_ros.errors import EXIT_CODE
from ddpg_ros.files.last_resort import LAST_TRIES, require_whole

if TYPE_CHECKING:
    import gymnasium


def train_over_topics(
    run: Run, namespace: str, gui: bool, console: Console, resumed: ResumedRun | None = None
) -> Outcome:
    """Run the simulator and the agent of a prepared training, until it ends."""
    recording = run.config.recording
    plan = training_plan(
        run.config_file,
        run.directory,
        namespace=namespace,
        gui=gui,
        recording=recording,
        resumed=resumed,
    )
    section = run.config.run
    # The supervisor must fork before the progress bar starts its thread.
    with (
        Supervisor(plan, held=run.directory) as supervisor,
        RunProgress(run.directory, section.steps, section.eval_episodes, console),
    ):
        outcome = supervisor.wait()
        if outcome.kind == "interrupted":
            console.print("stopping: zero torque, learner, files …")
    return outcome


def train_without_ros(
    what: "str | gymnasium.Env[Any, Any]", run: Run, console: Console
) -> Outcome:
    """Run a prepared training in a Gymnasium environment, until it ends; write its summary.

    Raises:
        RunDirectoryError: a result could not be written where it belongs.
    """
    from ddpg_ros.training.gymnasium_session import train_on_gymnasium

    section = run.config.run
    with RunProgress(run.directory, section.steps, section.eval_episodes, console):
        summary, number, failure, complaints = train_on_gymnasium(what, run.config, run.directory)
    saved = summary.save(run.directory, 0.0 if number else LAST_TRIES)
    require_whole([*complaints, saved])
    if failure:
        return Outcome("interrupted", EXIT_CODE, failure)
    if number:
        message = f"stopped by {signal.Signals(number).name}."
        return Outcome("interrupted", 128 + number, message)
    return Outcome("finished", 0)
