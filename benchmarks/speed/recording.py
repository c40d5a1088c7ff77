"""`python -m benchmarks recording`: what a recorder beside the agent costs its control loop."""

import os
import statistics
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.speed.latency import percentile, until_answered
from benchmarks.speed.latency_runs import Segment, measure
from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.ros_domain import require_ros_domain
from ddpg_ros.types import Vector

Mode = Literal["off", "latch", "all"]
MODES: tuple[Mode, ...] = get_args(Mode)


def bench_recording(
    rate: Annotated[int, typer.Option(min=1, help="Joint states a second.")] = 500,
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds of each measurement.")] = 20.0,
    interleaved: Annotated[
        int, typer.Option(min=1, help="Rounds; each measures all three, in turn.")
    ] = 5,
    results: Annotated[Path, typer.Option(help="Folder of the JSON file.")] = Path(
        "benchmarks/results"
    ),
) -> None:
    """State to torque with no recorder, with one that waits for a latch, with one for all."""
    require_ros_domain()
    console = Console()
    busy = os.getloadavg()[0]
    taken: dict[Mode, list[Vector]] = {mode: [] for mode in MODES}
    for number in range(interleaved):
        for mode in MODES:
            console.print(f"round {number + 1}, record {mode}", highlight=False)
            latency = measure(Segment("learner off", rate, seconds, mode))
            taken[mode].append(until_answered(latency, rate))
        report = {
            "benchmark": "recording",
            "unit": "s",
            "rate": rate,
            "seconds": seconds,
            "rows": [_row(mode, taken) for mode in MODES],
            "load_before": busy,
            **describe_machine(),
        }
        write_results(report, results / "recording.json")
        console.print(_table(report["rows"]))


def _row(mode: Mode, taken: dict[Mode, list[Vector]]) -> dict[str, Any]:
    rounds = [{"p50": percentile(one, 50.0), "p99": percentile(one, 99.0)} for one in taken[mode]]
    without = [percentile(one, 99.0) for one in taken["off"]]
    return {
        "record": mode,
        "p50": statistics.median(one["p50"] for one in rounds),
        "p99": statistics.median(one["p99"] for one in rounds),
        "p99 / off": statistics.median(
            one["p99"] / off for one, off in zip(rounds, without, strict=True)
        ),
        "rounds": rounds,
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    shown = Table("record", title=r"state to torque \[ms], medians of the rounds")
    for name in ("p50", "p99", "p99 / off"):
        shown.add_column(name, justify="right")
    for row in rows:
        times = [f"{1e3 * row[name]:.3f}" for name in ("p50", "p99")]
        shown.add_row(row["record"], *times, f"{row['p99 / off']:.2f}")
    return shown
