"""What a checkpoint costs: `python -m benchmarks checkpoint`.

A learner holds a million transitions of a seven-joint arm. Measured is the first checkpoint, which
writes all of them; checkpoints after some more transitions each, which write what is new; and how
long a process takes that verifies the newest one and reads it back. Writes
`results/checkpoint.json`.
"""

import dataclasses
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import track

from benchmarks.cells import RESULTS
from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.algo.learner import Learner
from ddpg_ros.config.run_directory import CHECKPOINTS
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.files.generations import newest_generation
from ddpg_ros.types import RecordLayout
from ddpg_ros.worker.metrics_log import MetricsLog
from ddpg_ros.worker.replay_files import ReplayFiles
from ddpg_ros.worker.saving import Course, RunSaver

LAYOUT = RecordLayout(24, 7)  # reach with seven joints
HIDDEN = [256, 256]


@dataclasses.dataclass(frozen=True)
class _Endpoint:
    """What a `RunSaver` needs of the worker's endpoint."""

    config: Config
    layout: RecordLayout
    run_dir: Path
    about: PolicyAbout


def bench_checkpoint(
    stored: Annotated[int, typer.Option(help="Transitions in the replay buffer.")] = 1_000_000,
    new: Annotated[int, typer.Option(help="New ones before each checkpoint.")] = 7_500,
    count: Annotated[int, typer.Option(help="Checkpoints after the first.")] = 20,
    folder: Annotated[Path | None, typer.Option(help="On the disk that is measured.")] = None,
) -> None:
    """Measure what checkpoints take: time and bytes."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        figures = _measure(Path(place), stored, new, count)
    for name, value in figures.items():
        typer.echo(f"{name}: {value:.4g}")
    report = {"benchmark": "checkpoint", "stored": stored, "new": new, "checkpoints": count}
    write_results({**report, **figures, **describe_machine()}, RESULTS / "checkpoint.json")


def _measure(root: Path, stored: int, new: int, count: int) -> dict[str, float]:
    config = Config().with_parameters(
        {
            "learner.hidden": HIDDEN,
            "learner.replay_capacity": stored,
            "learner.mode": "eager",
        }
    )
    sizes = [LAYOUT.observation_size, *HIDDEN, LAYOUT.action_size]
    about = PolicyAbout(sizes, [], [], 0.002, "none", "", 0, 0, 0, "0", {})
    learner = Learner(config.learner, LAYOUT, 0)
    endpoint: Any = _Endpoint(config, LAYOUT, root, about)
    saver, log, rng = RunSaver(endpoint), MetricsLog(root), np.random.default_rng(0)

    def add(records: int) -> None:
        learner.add(rng.uniform(-1.0, 1.0, (records, LAYOUT.width)).astype(np.float32))

    def save() -> tuple[float, int]:
        before, began = _written(), time.perf_counter()
        why = saver.save(learner, Course(learner.steps), log)
        assert not why, why
        return time.perf_counter() - began, _written() - before

    add(stored)
    first_s, first_bytes = save()
    times, sizes_of = [], []
    for _ in track(range(count), "checkpoints"):
        add(new)
        seconds, written = save()
        times.append(seconds)
        sizes_of.append(written)
    began = time.perf_counter()
    generation, _ = newest_generation(root / CHECKPOINTS, root)
    assert generation is not None
    verified = time.perf_counter() - began
    other = Learner(config.learner, LAYOUT, 1)
    began = time.perf_counter()
    ReplayFiles(root, stored, LAYOUT.width).restore(other.replay, generation)
    assert other.replay.total == learner.replay.total
    return {
        "first_s": first_s,
        "first_bytes": float(first_bytes),
        "next_median_s": statistics.median(times),
        "next_largest_s": max(times),
        "next_median_bytes": statistics.median(sizes_of),
        "new_transitions_bytes": float(4 * LAYOUT.width * new),
        "verify_s": verified,
        "restore_s": time.perf_counter() - began,
    }


def _written() -> int:
    """Return how many bytes this process has handed to the disks so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("wchar:")).split()[1])
