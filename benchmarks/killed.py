"""What kill -9 of a whole training in real time costs: steps lost, and the return after it.

    .venv/bin/python -m benchmarks.killed [--steps 1900] [--kill-at 450] [--seed 0]

One training on the simulated arm in real time runs in one go; another, with the same settings, is
killed with all of its processes and resumed. Writes `results/killed.json`, a round for each seed:
how many steps and seconds were lost, and mean and spread of the returns of the episodes from 1,000
steps after the kill on.
"""

import argparse
import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.cells import RESULTS
from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.run_directory import METRICS, STATUS
from ddpg_ros.files.status import read_status
from ddpg_ros.training.resuming import load_resumed

MARK = "DDPG_ROS_KILLED"  # in the environment of a training's processes
RECOVERED = 1000  # steps after the kill from which on episodes are compared
_POLL = 0.02  # [s]


def main() -> None:
    """Train in one go, train with a kill, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="reach")
    parser.add_argument("--steps", type=int, default=1900)
    parser.add_argument("--kill-at", type=int, default=450, help="step of the kill")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder, "whole"), Path(folder, "killed")
        options = ["--config", arguments.config, "--clock", "realtime", "--eval-episodes", "1"]
        options += ["--steps", str(arguments.steps), "--seed", str(arguments.seed)]
        options += ["--set", "run.record=off"]
        finish(start(whole, *options, "--run-dir", str(whole)))
        process = start(killed, *options, "--run-dir", str(killed))
        seen = wait_for_step(process, killed, arguments.kill_at)
        kill_all(killed)
        process.wait()
        found = load_resumed(killed, arguments.steps)
        began = time.monotonic()
        finish(start(killed, "--resume", str(killed)))
        period = load_config(arguments.config).control.period
        report: dict[str, Any] = {
            "asked": vars(arguments),
            "killed_at": seen,
            "resumed_at": found.step,
            "lost_steps": seen - found.step,
            "lost_s": round((seen - found.step) * period, 2),
            "resumed_run_s": round(time.monotonic() - began, 1),
            "return_whole": late_returns(whole, arguments.kill_at),
            "return_killed": late_returns(killed, arguments.kill_at),
        }
    print(json.dumps(report, indent=2))
    path = RESULTS / "killed.json"
    rounds = json.loads(path.read_text(encoding="utf-8"))["rounds"] if path.exists() else []
    rounds = [one for one in rounds if one["asked"]["seed"] != arguments.seed] + [report]
    write_results({"benchmark": "killed", "rounds": rounds, **describe_machine()}, path)


def start(run: Path, *options: str) -> "subprocess.Popen[bytes]":
    """Start a training; what it says goes beside its run directory."""
    with run.with_suffix(".txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ddpg_ros.cli.main", "train", *options],
            env=os.environ | {MARK: str(run)},
            stdout=log,
            stderr=log,
        )


def finish(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of a training."""
    if process.wait():
        sys.exit(f"a training ended with exit code {process.returncode}.")


def wait_for_step(process: "subprocess.Popen[bytes]", run: Path, step: int) -> int:
    """Wait until a training is at a step; return the step that it is at."""
    while True:
        status = read_status(run / STATUS)
        if status is not None and status.step >= step:
            return status.step
        if process.poll() is not None:
            sys.exit(f"the training ended before step {step}: {process.returncode}.")
        time.sleep(_POLL)


def kill_all(run: Path) -> None:
    """Kill every process of a training with SIGKILL, all within some milliseconds."""
    wanted = f"{MARK}={run}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # not ours, or gone
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def late_returns(run: Path, killed_at: int) -> dict[str, float]:
    """Return mean and spread of the returns of episodes long enough after the kill."""
    with (run / METRICS).open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["step"]) > killed_at + RECOVERED]
    returns = [float(row["return"]) for row in rows]
    return {
        "episodes": len(returns),
        "mean": statistics.fmean(returns),
        "deviation": statistics.stdev(returns),
    }


if __name__ == "__main__":
    main()
