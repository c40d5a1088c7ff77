"""A table whose cells take hours: each is written as it is finished, and none is done twice."""

import argparse
import json
import signal
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from benchmarks.speed.results import describe_machine, write_whole
from benchmarks.trainings import TrainingFailedError

RESULTS = Path(__file__).resolve().parent / "results"

Result = dict[str, Any]


Place = tuple[str, str, int, int]
"""Environment, who, seed, steps."""


class Cell(NamedTuple):
    """One training that is wanted."""

    env: str
    who: str
    seed: int
    asked: Result  # all that decides what comes of it, `steps` among them

    @property
    def place(self) -> Place:
        """Where it stands in the table."""
        return self.env, self.who, self.seed, self.asked["steps"]


Found = list[tuple[Cell, Result]]
Shown = list[tuple[Cell, Result | None]]
"""What a table shows; None where the training failed."""


class Cells:
    """The finished cells and those that failed, in a JSON file."""

    def __init__(self, file: Path) -> None:
        """Read what an earlier run has finished."""
        self.file = file
        self._finished: dict[Place, Result] = {}
        self._failed: dict[Place, Result] = {}
        if file.exists():
            document = json.loads(file.read_text(encoding="utf-8"))
            for name, entries in (("cells", self._finished), ("failed", self._failed)):
                for entry in document.get(name, []):
                    place = entry["env"], entry["who"], entry["seed"], entry["asked"]["steps"]
                    entries[place] = entry

    def result(self, cell: Cell) -> Result | None:
        """Return what came of a cell; None where it is not finished, or was asked otherwise."""
        entry = self._finished.get(cell.place)
        if entry is None or entry["asked"] != _plain(cell.asked):
            return None
        found: Result = entry["result"]
        return found

    def found(self, wanted: Iterable[Cell]) -> Found:
        """Return those of the wanted cells that are finished, and what came of them."""
        pairs = ((cell, self.result(cell)) for cell in wanted)
        return [(cell, result) for cell, result in pairs if result is not None]

    def all_as(self, asked: Callable[[str, str, int], Result]) -> Shown:
        """Return every cell that was asked as it would be now, seed by seed.

        Args:
            asked: environment, who and steps → what such a cell is trained with.
        """
        places = sorted({**self._failed, **self._finished}, key=itemgetter(2))
        cells = [Cell(env, who, seed, asked(env, who, steps)) for env, who, seed, steps in places]
        pairs = [(cell, self.result(cell)) for cell in cells]
        return [(cell, result) for cell, result in pairs if result or self._has_failed(cell)]

    def keep(self, cell: Cell, result: Result) -> None:
        """Add a finished cell and write the file."""
        self._failed.pop(cell.place, None)
        self._finished[cell.place] = _entry(cell, result=_plain(result))
        self._write()

    def fail(self, cell: Cell, words: str) -> None:
        """Note that a cell's training failed, with its last words; it is tried again next time."""
        self._failed[cell.place] = _entry(cell, words=words)
        self._write()

    def _has_failed(self, cell: Cell) -> bool:
        entry = self._failed.get(cell.place)
        return entry is not None and entry["asked"] == _plain(cell.asked)

    def _write(self) -> None:
        """Write the file, a line a cell."""
        text = json.dumps({"benchmark": self.file.stem, **describe_machine()}, indent=2)[:-2]
        for name, entries in (("cells", self._finished), ("failed", self._failed)):
            lines = ",\n".join(f"    {json.dumps(entry)}" for entry in entries.values())
            text += f',\n  "{name}": [\n{lines}\n  ]'
        write_whole(f"{text}\n}}\n", self.file)


def add_options(parser: argparse.ArgumentParser, seeds: int = 5) -> None:
    """Add what every table takes."""
    parser.add_argument("--seeds", type=int, default=seeds, help="seeds 0, 1, …, of each")
    parser.add_argument("--hours", type=float, help="start no training after this long")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the files")


def fill(
    cells: Cells, wanted: Iterable[Cell], train: Callable[[Cell], Result], hours: float | None
) -> bool:
    """Train what is missing, in order; say what goes on and about how long it will take.

    Ctrl-C or SIGTERM, and the end of `hours`, leave what is finished; a training that fails is
    noted, and tried again by the next call.

    Returns:
        Whether every wanted cell is there.
    """
    console, began = Console(highlight=False), time.monotonic()
    wanted = list(wanted)
    missing = [cell for cell in wanted if cells.result(cell) is None]
    console.print(f"{len(wanted) - len(missing)} of {len(wanted)} trainings are finished already")

    def left(number: int) -> str:
        return duration(seconds_left(missing[number:], cells.found(wanted)))

    failed = 0
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for number, cell in enumerate(missing):
            if hours is not None and time.monotonic() - began > hours * 3600.0:
                console.print(f"{hours:g} h are over: the same command goes on from here")
                return False
            name = f"{number + 1}/{len(missing)} {cell.env}, {cell.who}, seed {cell.seed}"
            with console.status(f"{name}; {left(number)} left"):
                try:
                    result = train(cell)
                except TrainingFailedError as error:
                    console.print(f"{name} failed: {error}", markup=False, soft_wrap=True)
                    cells.fail(cell, str(error).splitlines()[-1])
                    failed += 1
                    continue
            cells.keep(cell, result)
            console.print(
                f"{name}: {figure(result['mean_return'])} after "
                f"{duration(result['total_wall_s'])}; {left(number + 1)} left",
                soft_wrap=True,
            )
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from here")
        return False
    finally:
        signal.signal(signal.SIGTERM, before)
    return not failed


def seconds_left(missing: Iterable[Cell], finished: Found) -> float | None:
    """Estimate from the seconds a step of the nearest finished cells; None without any."""
    left = 0.0
    for cell in missing:
        alike = [
            [result for other, result in finished if other[:2] == cell[:2]],
            [result for other, result in finished if other.who == cell.who],
            [result for _, result in finished],
        ]
        near = next((results for results in alike if results), None)
        if near is None:
            return None
        rate = statistics.median(result["total_wall_s"] / result["steps"] for result in near)
        left += rate * cell.asked["steps"]
    return left


def duration(seconds: float | None) -> str:
    """Say a time: `2.5 h`, `14 min`, `9 s`."""
    if seconds is None:
        return "no telling what is"
    if seconds >= 5400.0:
        return f"{seconds / 3600.0:.1f} h"
    return f"{seconds / 60.0:.0f} min" if seconds >= 120.0 else f"{seconds:.0f} s"


def every_seed(results: Sequence[Result | None]) -> str:
    """Say each seed's mean of its greedy episodes, and how many trainings failed."""
    told = ", ".join(figure(result["mean_return"]) for result in results if result) or "–"
    failed = sum(result is None for result in results)
    return f"{told}; {failed} stopped" if failed else told


def spread(values: Sequence[float]) -> str:
    """Say mean ± standard deviation over the seeds; a dash for none."""
    if not values:
        return "–"
    return f"{figure(float(np.mean(values)))} ± {figure(float(np.std(values)))}"


def figure(value: float) -> str:
    """Say a return in as many places as it needs."""
    return f"{value:.0f}" if abs(value) >= 100.0 else f"{value:.1f}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first row is its head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body]) + "\n"


def _entry(cell: Cell, **came: Any) -> Result:
    return {**cell._asdict(), "asked": _plain(cell.asked), **came}


def _plain(value: Result) -> Result:
    """Return it as JSON gives it back: lists for tuples."""
    plain: Result = json.loads(json.dumps(value))
    return plain
