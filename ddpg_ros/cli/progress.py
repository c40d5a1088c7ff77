"""What a person sees while a run goes on: read from the run directory's own files."""

import sys
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ddpg_ros.run_directory import EVALUATION, METRICS

_REFRESH = 0.25  # [s]
_LINE_EVERY = 5.0  # [s] where nobody watches a terminal
COMPILING = "learner: compiling"
"""How the learner's line begins that says so."""

_WINDOW = 20  # [episodes] of the means


class CsvTail:
    """Reads the rows that have been added to a growing CSV file."""

    def __init__(self, path: Path) -> None:
        """Take the file; it need not be there yet."""
        self._path = path
        self._offset = 0
        self._names: list[str] = []

    def read(self) -> list[dict[str, str]]:
        """Return the whole rows since the last call."""
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
    """Shows step, return, success rate, updates/s and time left; a context manager."""

    def __init__(self, run_dir: Path, steps: int, eval_episodes: int, console: Console) -> None:
        """Watch a run of `steps` training steps (0: none) and `eval_episodes` greedy episodes."""
        self._metrics = CsvTail(run_dir / METRICS)
        self._greedy = CsvTail(run_dir / EVALUATION)
        self._agent_log = run_dir / "log" / "agent.log"
        self._steps = steps
        self._console = console
        self._recent: deque[tuple[float, float]] = deque(maxlen=_WINDOW)  # return, success
        self._greedy_success: list[float] = []
        self._step = 0
        self._marks: deque[tuple[float, int, int]] = deque(maxlen=40)  # time, step, updates
        self._said_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._live = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            console=console,
            auto_refresh=False,
            disable=not self._live,
        )
        text = "starting the nodes"
        self._train = self._bars.add_task("train", total=steps, text=text) if steps else None
        self._eval = self._bars.add_task("greedy", total=eval_episodes, text="")

    def __enter__(self) -> "RunProgress":
        """Begin to watch."""
        self._bars.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show the last of it."""
        self._stop.set()
        self._thread.join()
        self._look()
        self._bars.stop()

    def _watch(self) -> None:
        while not self._stop.wait(_REFRESH):
            self._look()

    def _look(self) -> None:
        for row in self._metrics.read():
            self._recent.append((float(row["return"]), float(row["success"])))
            self._step = int(row["step"])
            self._marks.append((time.monotonic(), self._step, int(row["updates"])))
        self._greedy_success += [float(row["success"]) for row in self._greedy.read()]
        train = " ".join(filter(None, (self._train_text(), self._compiling_text())))
        if self._train is not None and train:
            self._bars.update(self._train, completed=self._step, text=train)
        greedy = self._greedy_text()
        if greedy:
            self._bars.update(self._eval, completed=len(self._greedy_success), text=greedy)
        if self._live:
            self._bars.refresh()
        elif time.monotonic() - self._said_at > _LINE_EVERY and (train or greedy):
            self._said_at = time.monotonic()
            line = f"greedy episodes: {greedy}" if greedy else f"step {self._step}: {train}"
            self._console.print(line, highlight=False)
            sys.stdout.flush()

    def _compiling_text(self) -> str:
        """Say what takes so long before the first update, where something does."""
        if self._marks and self._marks[-1][2] > 0:
            return ""
        try:
            said = self._agent_log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "compiling the update, once for these settings" if COMPILING in said else ""

    def _train_text(self) -> str:
        if not self._recent:
            return ""
        count = len(self._recent)
        mean_return, success = (sum(pair[i] for pair in self._recent) / count for i in (0, 1))
        text = f"return {mean_return:7.2f}  success {success:4.0%}"
        (t_0, step_0, updates_0), (t_1, step_1, updates_1) = self._marks[0], self._marks[-1]
        if t_1 > t_0:
            rate = (step_1 - step_0) / (t_1 - t_0)
            left = (self._steps - self._step) / rate
            text += f"  {(updates_1 - updates_0) / (t_1 - t_0):4.0f} updates/s  {left:3.0f} s left"
        return text

    def _greedy_text(self) -> str:
        done = self._greedy_success
        return f"{len(done)} done, success {sum(done) / len(done):4.0%}" if done else ""
