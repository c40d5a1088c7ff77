"""`ddpg-ros report`: draws the pictures of a finished run."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console

from ddpg_ros.cli.console import plain_console
from ddpg_ros.cli.curve import draw_learning_curve
from ddpg_ros.cli.playback import config_of, run_policy
from ddpg_ros.config.run_directory import CURVE, METRICS, POLICY, ROLLOUT
from ddpg_ros.control.policy import load_policy
from ddpg_ros.errors import RunDirectoryError
from ddpg_ros.files.kinds import is_regular

SHOWN_S, MOST_EPISODES, FEWEST_EPISODES = 12.0, 6, 2
"""Simulated time that a rollout shows [s], and its largest and smallest number of episodes."""


def report_command(
    run_dir: Annotated[Path, typer.Argument(help="The run directory.")],
) -> None:
    """Draw learning_curve.png and rollout.gif of a run."""
    if is_regular(run_dir):
        raise RunDirectoryError(f"{run_dir} is a file; expected the run directory of a training.")
    if not is_regular(run_dir / METRICS):
        raise RunDirectoryError(
            f"{run_dir} holds no {METRICS}; expected the run directory of a training."
        )
    console = plain_console()
    pictures = report(run_dir, console)
    for picture in pictures:
        console.print(f"look at {picture}", highlight=False, soft_wrap=True)
    if not pictures:
        console.print("nothing to draw: no episode has ended, and there is no policy of an arm.")


def report(run_dir: Path, console: Console) -> list[Path]:
    """Draw the learning curve and, if the policy drives an arm, a rollout.

    Returns:
        The paths of the pictures.

    Raises:
        RunDirectoryError: a picture cannot be written.
        typer.Exit: the rollout failed, or a signal ended the drawing; the message is printed.
    """
    try:
        with _ended_by_signals():
            return _draw(run_dir, console)
    except OSError as error:
        why = error.strerror or error
        raise RunDirectoryError(
            f"the pictures of {run_dir} cannot be written ({why}); the policy is safe. Make room "
            "and draw them with ddpg-ros report."
        ) from None


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let the first SIGINT or SIGTERM end the block with a sentence and the usual exit code."""
    received: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, on_signal) for number in (SIGINT, SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"stopped by {signal.Signals(received[0]).name}.", err=True)
        raise typer.Exit(128 + received[0]) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _draw(run_dir: Path, console: Console) -> list[Path]:
    pictures: list[Path] = []
    with _Steps(console) as steps:
        steps.begin("drawing the learning curve")
        if draw_learning_curve(run_dir / METRICS, run_dir / CURVE):
            pictures.append(run_dir / CURVE)
        path = run_dir / POLICY
        if path.exists() and (policy := load_policy(path)).about.joints:
            config = config_of(path, policy, MOST_EPISODES)
            wanted = round(SHOWN_S / config.task.episode_seconds)
            episodes = max(FEWEST_EPISODES, min(wanted, MOST_EPISODES))
            shown = config.with_parameters(
                {"run.eval_episodes": episodes}, source="ddpg-ros report"
            )
            steps.begin(f"drawing a rollout of {episodes} greedy episodes in the simulator")
            run_policy(shown, gif=run_dir / ROLLOUT)
            pictures.append(run_dir / ROLLOUT)
    return pictures


class _Steps:
    """Says what is being drawn: beside a spinner in a terminal, else in a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")

    def __enter__(self) -> "_Steps":
        self._status.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._status.__exit__(*error)

    def begin(self, step: str) -> None:
        """Begin a step."""
        if self._console.is_terminal:
            self._status.update(step)
        else:
            self._console.print(step, highlight=False, soft_wrap=True)
            sys.stdout.flush()
