"""Shows the progress of a run, which it reads from the files in the run directory."""

import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ddpg_ros.config.run_directory import EVALUATION, METRICS, knows_success

_REFRESH = 0.25  # [s]
_LINE_EVERY = 5.0  # [s] if the output is not a terminal
COMPILING, COMPILED = "learner: compiling", "compiled"
"""Parts of the learner's log lines: when a compilation starts, and when it succeeds or fails."""

_WINDOW = 20  # [episodes] of the running means
_SETTLED = 2.0  # [s] of learning after which its rate predicts the time left


class CsvTail:
    """Follows a growing CSV file."""

    def __init__(self, path: Path) -> None:
        """Start at the beginning of a file, which need not exist yet."""
        self._path = path
        self._offset = 0
        self._names: list[str] = []

    def read(self) -> list[dict[str, str]]:
        """Return the complete rows that were added since the last call."""
        try:
            with self._path.open(encoding="utf-8", newline="") as file:
                file.seek(self._offset)
                text = file.read()
        except FileNotFoundError:
            return []
        whole, newline, _ = text.rpartition("\n")
        self._offset += len((whole + newline).encode())
        lines = whole.splitlines()
        if lines and not self._names:
            self._names = lines.pop(0).split(",")
        return [dict(zip(self._names, line.split(","), strict=True)) for line in lines]


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
        self._metrics = CsvTail(run_dir / METRICS)
        self._greedy = CsvTail(run_dir / EVALUATION)
        self._agent_log = run_dir / "log" / "agent.log"
        self._steps = steps
        self._console = console
        self._recent: deque[tuple[float, float]] = deque(maxlen=_WINDOW)  # return, success
        self._greedy_success: list[float] = []
        self._knows_success = True
        self._step = 0
        self._learning: deque[tuple[float, int]] = deque(maxlen=40)  # time, step
        self._printed, self._printed_at = (
            (-1, 0),
            time.monotonic(),
        )  # step and greedy episodes, time
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
        rows = self._metrics.read()
        for row in rows:
            self._recent.append((float(row["return"]), float(row["success"])))
            self._step, self._knows_success = int(row["step"]), knows_success(row)
        if rows and int(rows[-1]["updates"]) > 0:
            self._learning.append((time.monotonic(), self._step))
        self._greedy_success += [float(row["success"]) for row in self._greedy.read()]
        train, greedy = self._train_text(), self._greedy_text()
        if self._train is not None:
            text = train or "no episode yet"
            self._bars.update(self._train, completed=self._step, text=text)
        self._bars.update(self._eval, completed=len(self._greedy_success), text=greedy)
        if self._live:
            self._bars.refresh()
        elif (train or greedy) and time.monotonic() - self._printed_at > _LINE_EVERY:
            self._print(f"greedy episodes: {greedy}" if greedy else f"step {self._step}: {train}")

    def _print(self, line: str) -> None:
        """Print a line unless the last one was for the same step and greedy episode."""
        done = self._step, len(self._greedy_success)
        if done != self._printed:
            self._printed, self._printed_at = done, time.monotonic()
            self._console.print(line, highlight=False, soft_wrap=True)
            sys.stdout.flush()

    def _train_text(self) -> str:
        if not self._learning and self._compiling():
            return "compiling the update, once for these settings"
        if not self._recent:
            return ""
        returns, success = zip(*self._recent, strict=True)
        mean_return = f"return {sum(returns) / len(returns):7.2f}"
        return _joined(mean_return, self._success_text(success), self._left_text())

    def _greedy_text(self) -> str:
        done = self._greedy_success
        return _joined(f"{len(done)} done", self._success_text(done)) if done else ""

    def _compiling(self) -> bool:
        try:
            log = self._agent_log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return False
        return log.rfind(COMPILING) > log.rfind(COMPILED)

    def _success_text(self, success: Sequence[float]) -> str:
        return f"success {sum(success) / len(success):4.0%}" if self._knows_success else ""

    def _left_text(self) -> str:
        """Return the time left by the recent rate of learning; empty before that is known."""
        if not self._learning:
            return ""
        (t_0, step_0), (t_1, step_1) = self._learning[0], self._learning[-1]
        if t_1 - t_0 < _SETTLED:
            return ""
        return f"{(self._steps - step_1) * (t_1 - t_0) / (step_1 - step_0):3.0f} s left"


def _joined(*parts: str) -> str:
    return "  ".join(filter(None, parts))
