"""Shows the progress of a run, which it reads from the status file in the run directory."""

import sys
import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ddpg_ros.config.run_directory import STATUS
from ddpg_ros.files.status import RunStatus, read_status

_REFRESH = 0.25  # [s]
_LINE_EVERY = 5.0  # [s] between lines if the output is no terminal
_SETTLED = 2.0  # [s] of learning after which its rate predicts the time left


class RunProgress:
    """Shows step, return, success rate and time left in 80 columns; a context manager."""

    def __init__(self, run_dir: Path, steps: int, eval_episodes: int, console: Console) -> None:
        """Prepare to show a run.

        Args:
            run_dir: the run directory.
            steps: number of training steps; 0 shows the greedy episodes alone.
            eval_episodes: number of greedy episodes.
            console: prints the bars, or a line every few seconds if it is not a terminal.
        """
        self._path, self._steps = run_dir / STATUS, steps
        self._console = console
        self._training = RunStatus("training", 0)
        self._evaluation = RunStatus("evaluation", 0)
        self._learning: deque[tuple[float, int]] = deque(maxlen=40)  # time [s], step
        self._printed = (-1, 0)  # step and greedy episodes of the last line
        self._printed_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._live = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[text]}"),
            console=console,
            auto_refresh=False,
            disable=not self._live,
        )
        self._train = self._bars.add_task("train", total=steps, text="") if steps else None
        self._eval = self._bars.add_task("greedy", total=eval_episodes, text="")

    def __enter__(self) -> "RunProgress":
        """Start the bars and the thread that updates them."""
        self._bars.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show the final state and stop the thread."""
        self._stop.set()
        self._thread.join()
        self._refresh()
        self._bars.stop()

    def _watch(self) -> None:
        while not self._stop.wait(_REFRESH):
            self._refresh()

    def _refresh(self) -> None:
        status = read_status(self._path)
        if status is not None and status.phase == "training":
            self._see_training(status)
        elif status is not None:
            self._evaluation = status
        train, greedy = self._train_text(), self._greedy_text()
        if self._train is not None:
            done = self._steps if self._evaluation.episodes else self._training.step
            self._bars.update(self._train, completed=done, text=train or "no episode yet")
        self._bars.update(self._eval, completed=self._evaluation.episodes, text=greedy)
        if self._live:
            self._bars.refresh()
        elif (train or greedy) and time.monotonic() - self._printed_at > _LINE_EVERY:
            step = self._training.step
            self._print(f"greedy episodes: {greedy}" if greedy else f"step {step}: {train}")

    def _see_training(self, status: RunStatus) -> None:
        if status.updates > 0 and not (self._learning and self._learning[-1][1] == status.step):
            self._learning.append((time.monotonic(), status.step))
        if status.mean_return is None:  # a restarted worker has seen no episode yet
            before = self._training
            status = replace(
                status, mean_return=before.mean_return, success_rate=before.success_rate
            )
        self._training = status

    def _print(self, line: str) -> None:
        """Print a line, unless the last one was for the same step and greedy episode."""
        done = self._training.step, self._evaluation.episodes
        if done != self._printed:
            self._printed, self._printed_at = done, time.monotonic()
            self._console.print(line, highlight=False, soft_wrap=True)
            sys.stdout.flush()

    def _train_text(self) -> str:
        status = self._training
        if status.compiling:
            return "compiling the update, once for these settings"
        if status.mean_return is None:
            return self._left_text()
        mean_return = f"return {status.mean_return:7.2f}"
        return _joined(mean_return, _success_text(status), self._left_text())

    def _greedy_text(self) -> str:
        done = self._evaluation
        return _joined(f"{done.episodes} done", _success_text(done)) if done.episodes else ""

    def _left_text(self) -> str:
        """Return the time left by the recent rate of learning; empty before that is known."""
        if not self._learning:
            return ""
        (t_0, step_0), (t_1, step_1) = self._learning[0], self._learning[-1]
        if t_1 - t_0 < _SETTLED:
            return ""
        return f"{(self._steps - step_1) * (t_1 - t_0) / (step_1 - step_0):3.0f} s left"


def _success_text(status: RunStatus) -> str:
    return "" if status.success_rate is None else f"success {status.success_rate:4.0%}"


def _joined(*parts: str) -> str:
    return "  ".join(filter(None, parts))
