"""`python -m benchmarks latency`: from state to torque, beside an empty echo of the same run."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.speed.latency_picture import draw_latency
from benchmarks.speed.latency_runs import CONTENDERS, Segment, Who, measure, settings
from benchmarks.speed.results import describe_machine, write_results
from benchmarks.speed.untrained import save_untrained
from ddpg_ros.cli.playback import temporary_run
from ddpg_ros.errors import ConfigError, MachineError
from ddpg_ros.ros_domain import require_ros_domain
from ddpg_ros.types import Vector

_PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9, "worst": 100.0}
_BREAKDOWN_RATE = 1000  # [Hz]
_PATIENCE = 120.0  # [s]
_CURVE_POINTS = 200


def bench_latency(
    rates: Annotated[
        str, typer.Option(help="Rates [Hz], divided by commas.")
    ] = "100,250,500,1000",
    seconds: Annotated[float, typer.Option(min=0.1, help="Seconds of each measurement.")] = 20.0,
    interleaved: Annotated[
        int, typer.Option(min=1, help="Rounds; each measures all of them, in turn.")
    ] = 1,
    breakdown: Annotated[bool, typer.Option(help="Only the parts of a tick.")] = False,
    results: Annotated[Path, typer.Option(help="Folder of the JSON file and the picture.")] = Path(
        "benchmarks/results"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON.")] = False,
) -> None:
    """State to torque: an empty echo, the agent with the learner off and with it flat out."""
    console = Console(stderr=as_json)
    chosen = _rates(rates)
    require_ros_domain()
    parts = measure_parts()
    console.print(parts_table(parts))
    if breakdown:
        if as_json:
            typer.echo(json.dumps(parts, indent=2))
        return
    busy = os.getloadavg()[0]
    taken = _measure_all(chosen, seconds, interleaved, console)
    report = {
        "benchmark": "latency",
        "unit": "s",
        "rows": [row(who, rate, rounds) for (who, rate), rounds in taken.items()],
        "ratios": [ratios(rate, taken) for rate in chosen],
        "tick_us": parts,
        "seconds": seconds,
        "load_before": busy,
        **describe_machine(),
    }
    file = results / "latency.json"
    write_results(report, file)
    draw_latency(report["rows"], results / "latency.png")
    console.print(table(report["rows"], report["ratios"]))
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    console.print(f"written to {file}", highlight=False)


def _rates(text: str) -> list[int]:
    try:
        rates = [int(word) for word in text.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0 < rate <= 10_000 for rate in rates):
        raise ConfigError(f"--rates is {text}; expected whole numbers of Hz, like 100,500.")
    return rates


def _measure_all(
    rates: list[int], seconds: float, rounds: int, console: Console
) -> dict[tuple[Who, int], list[Vector]]:
    """Return the latencies [s] of each contender at each rate, a vector a round."""
    taken: dict[tuple[Who, int], list[Vector]] = {
        (who, rate): [] for rate in rates for who in CONTENDERS
    }
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("", total=rounds * len(taken))
        for rate in rates:
            for number in range(rounds):
                for who in CONTENDERS:
                    what = f"{rate} Hz, {who}" + (f", round {number + 1}" if rounds > 1 else "")
                    progress.update(task, description=what)
                    taken[who, rate].append(measure(Segment(who, rate, seconds)))
                    progress.advance(task)
    return taken


def row(who: Who, rate: int, rounds: list[Vector]) -> dict[str, Any]:
    """Return what the JSON file holds of one contender at one rate; null: no answer came."""
    missing = int(np.isinf(np.concatenate(rounds)).sum())
    rounds = [until_answered(one, rate) for one in rounds]
    together = np.sort(np.concatenate(rounds))
    tail = np.unique(np.geomspace(1, len(together), _CURVE_POINTS).astype(int))  # of the worst
    return {
        "who": who,
        "rate": rate,
        "states": len(together),
        "missing": missing,
        **{name: _known(percentile(together, at)) for name, at in _PERCENTILES.items()},
        "rounds": [
            {name: _known(percentile(one, at)) for name, at in _PERCENTILES.items()}
            for one in rounds
        ],
        # Of all states, the share `share` took at least `latency`.
        "curve": {
            "share": (tail[::-1] / len(together)).tolist(),
            "latency": [_known(value) for value in together[len(together) - tail[::-1]]],
        },
    }


def until_answered(latency: Vector, rate: int) -> Vector:
    """Count a state that is not answered itself until a newer one is.

    A node that falls behind takes the newest state and leaves out those before it: the torque
    that comes then is the first that knows of them.

    Args:
        latency: of each state in turn [s], inf where the answer is missing.
        rate: at which they were sent [Hz].

    Returns:
        The same, inf only where no newer state was answered either.
    """
    intended = np.arange(len(latency)) / rate
    arrived: Vector = np.minimum.accumulate((intended + latency)[::-1])[::-1]
    waited: Vector = arrived - intended
    return np.where(np.isinf(latency), waited, latency)


def percentile(latency: Vector, at: float) -> float:
    """Return the smallest latency [s] that `at` percent do not exceed; missing answers are inf."""
    ordered = np.sort(latency)
    return float(ordered[max(0, int(np.ceil(at / 100.0 * len(ordered))) - 1)])


def ratios(rate: int, taken: dict[tuple[Who, int], list[Vector]]) -> dict[str, Any]:
    """Return the two ratios that count at a rate, each the median of the rounds' own."""
    echo, off, flat_out = (
        [until_answered(one, rate) for one in taken[who, rate]] for who in CONTENDERS
    )

    def ratio(ours: list[Vector], theirs: list[Vector], at: float) -> float | None:
        of_rounds = [
            percentile(one, at) / percentile(other, at)
            for one, other in zip(ours, theirs, strict=True)
        ]
        return _known(statistics.median(of_rounds))

    return {
        "rate": rate,
        "p50 off / echo": ratio(off, echo, 50.0),
        "p99 off / echo": ratio(off, echo, 99.0),
        "p99 flat out / off": ratio(flat_out, off, 99.0),
    }


def measure_parts() -> dict[str, float]:
    """Return the parts of the agent's tick [µs], measured in a process of its own.

    Raises:
        MachineError: it failed; the message holds its last words.
    """
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as name:
        policy = Path(name) / "untrained.safetensors"
        save_untrained(policy, settings(_BREAKDOWN_RATE, None))
        with temporary_run(settings(_BREAKDOWN_RATE, policy)) as run:
            command = [sys.executable, "-m", "benchmarks.nodes.tick_parts", "--ros-args"]
            command += ["-r", f"__ns:=/ddpg_ros_{os.getpid()}"]
            command += ["--params-file", str(run.config_file)]
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
            )
    if done.returncode != 0:
        raise MachineError(f"the parts of a tick were not measured: {done.stderr.strip()}")
    parts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return parts


def parts_table(parts: dict[str, float]) -> Table:
    """Return the parts of a tick as a person reads them."""
    shown = Table("part", title="one tick, in its process alone")
    shown.add_column("median [µs]", justify="right")
    for name, value in parts.items():
        shown.add_row(name, f"{value:.1f}")
    return shown


def table(rows: list[dict[str, Any]], compared: list[dict[str, Any]]) -> Table:
    """Return what a person reads: percentiles in milliseconds, the ratios under each rate."""
    shown = Table("rate [Hz]", "who", title=r"state to torque \[ms]")
    shown.columns[1].no_wrap = True
    for name in (*_PERCENTILES, "missing"):
        shown.add_column(name, justify="right", no_wrap=True)
    for ratio in compared:
        shown.add_section()
        for one in (one for one in rows if one["rate"] == ratio["rate"]):
            times = [
                "–" if one[name] is None else f"{1e3 * one[name]:.3f}" for name in _PERCENTILES
            ]
            shown.add_row(str(one["rate"]), one["who"], *times, str(one["missing"]))
        for name, value in ratio.items():
            if name != "rate":
                shown.add_row("", name, "–" if value is None else f"{value:.2f}")
    return shown


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
