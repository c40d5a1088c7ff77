"""How long it is until the compiled update is there: made anew, and found on disk.

    .venv/bin/python -m benchmarks.compile_times [--rounds 5]

A fresh process each time, and an empty cache for the first of the two; from the learner's making
to its compiled update being in use. Writes `results/compile_times.json`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

from rich.progress import track

from benchmarks.cells import RESULTS
from benchmarks.speed.results import describe_machine, write_results
from benchmarks.speed.sizes import SIZES, Size, measuring_parser, parsed_size

WHAT = "until the compiled update is in use"


def main() -> None:
    """Measure every size, in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    times = {size.name: {"made_s": list[float](), "found_s": list[float]()} for size in SIZES}
    for _ in track(range(rounds), "compilations"):
        for size in SIZES:
            with tempfile.TemporaryDirectory() as cache:
                for how in ("made_s", "found_s"):
                    times[size.name][how].append(in_a_fresh_process(size, cache))
    for name, each in times.items():
        made, found = median(each["made_s"]), median(each["found_s"])
        print(f"{name}: {made:.1f} s where it is made, {found:.1f} s where it is found")
    report = {"benchmark": "compile_times", "what": WHAT, "times": times}
    write_results({**report, **describe_machine()}, RESULTS / "compile_times.json")


def in_a_fresh_process(size: Size, cache: str) -> float:
    """Return how long it takes with a cache folder [s]."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.compile_times", "--once", *size.arguments()],
        env=os.environ | {"XDG_CACHE_HOME": cache},
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        sys.exit(answer.stderr)
    return float(answer.stdout.split()[-1])


def once(size: Size) -> None:
    """Print how long a learner of this size takes to have its compiled update [s]."""
    from ddpg_ros.algo.learner import Learner
    from ddpg_ros.config.sections import LearnerSection
    from ddpg_ros.types import RecordLayout

    settings = LearnerSection(hidden=list(size.hidden), batch_size=size.batch, mode="compile")
    began = time.perf_counter()
    learner = Learner(settings, RecordLayout(size.observation, size.action), 0, 1_000_000)
    learner.compile()
    print(round(time.perf_counter() - began, 2))


if __name__ == "__main__":
    if "--once" in sys.argv:
        sys.argv.remove("--once")
        once(parsed_size(measuring_parser("One measurement.").parse_args()))
    else:
        main()
