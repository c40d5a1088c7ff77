"""One training on a Gymnasium environment, ours or a peer's, in a process of its own."""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from benchmarks.speed.results import describe_machine
from ddpg_ros.config.run_directory import EVALUATION, METRICS
from ddpg_ros.config.settings import Value

PEERS_PYTHON = Path(".venv-peers/bin/python")
PEERS_TRAIN = Path(__file__).resolve().parent / "peers" / "train.py"
LATE = 0.1  # share of the training episodes that count as late
POINTS = 100  # of a stored curve
PATIENCE = 10.0  # [s] for a training to tidy up after Ctrl-C
SHOWN_LINES = 8  # of what a training that failed had to say

Curve = list[tuple[float, float]]  # (step, return) of each training episode


class TrainingFailedError(Exception):
    """A training ended with an error; the message holds its last words."""


class Setup(NamedTuple):
    """What ours and the peers are given alike."""

    steps: int
    hidden: tuple[int, ...]
    batch: int
    learning_rate: float
    discount: float
    tau: float
    warmup: int
    noise: float  # sigma of Gaussian noise on the normalised action, constant
    threads: int = 1  # of the learner's matrix work

    def settings(self) -> dict[str, Value]:
        """Return our settings."""
        return {
            "run.steps": self.steps,
            "noise.kind": "gaussian",
            "noise.sigma": self.noise,
            "noise.sigma_final": self.noise,
            "learner.hidden": list(self.hidden),
            "learner.batch_size": self.batch,
            "learner.actor_learning_rate": self.learning_rate,
            "learner.critic_learning_rate": self.learning_rate,
            "learner.discount": self.discount,
            "learner.tau": self.tau,
            "learner.warmup_steps": self.warmup,
            "learner.replay_capacity": self.steps,
            "learner.threads": self.threads,
        }

    def arguments(self) -> list[str]:
        """Return the arguments of `peers/train.py`."""
        return [
            *("--steps", str(self.steps)),
            *("--hidden", *map(str, self.hidden)),
            *("--batch", str(self.batch)),
            *("--lr", str(self.learning_rate)),
            *("--gamma", str(self.discount)),
            *("--tau", str(self.tau)),
            *("--warmup", str(self.warmup)),
            *("--noise", str(self.noise)),
            *("--replay", str(self.steps)),
            *("--threads", str(self.threads)),
        ]


def train_ours(
    env: str, seed: int, settings: Mapping[str, Value], episodes: int = 10
) -> dict[str, Any]:
    """Run `ddpg-ros train --gym`; settings as in the YAML files, by their full names.

    Raises:
        TrainingFailedError: it ended with an error.
    """
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as folder:
        run_dir = Path(folder) / "run"
        command = [sys.executable, "-m", "ddpg_ros.cli.main", "train", "--json", "--gym", env]
        command += ["--run-dir", str(run_dir)]
        own = {"run.seed": seed, "run.eval_episodes": episodes}
        for name, value in {**settings, **own}.items():
            written = yaml.safe_dump(value, default_flow_style=True).splitlines()[0]
            command += ["--set", f"{name}={written}"]
        output, wall = _run(command, folder)
        summary = json.loads(output)
        curve = [(float(r["step"]), float(r["return"])) for r in _rows(run_dir / METRICS)]
        returns = [float(row["return"]) for row in _rows(run_dir / EVALUATION)]
    return result(returns, curve, summary["train_wall_s"], wall, summary["steps"])


def train_peer(
    peer: str, env: str, seed: int, arguments: list[str], episodes: int = 10
) -> dict[str, Any]:
    """Run `peers/train.py` with the arguments that `Setup.arguments` gives.

    Raises:
        TrainingFailedError: it ended with an error.
    """
    command = [str(PEERS_PYTHON.absolute()), str(PEERS_TRAIN), "--peer", peer, "--env", env]
    command += ["--seed", str(seed), "--episodes", str(episodes), *arguments]
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        output, wall = _run(command, folder)
    document = json.loads(output)
    curve = [(float(step), float(value)) for step, value in document["curve"]]
    steps = document["arguments"]["steps"]
    return result(document["returns"], curve, document["train_wall_s"], wall, steps)


def result(
    returns: list[float], curve: Curve, train_wall_s: float, total_wall_s: float, steps: int
) -> dict[str, Any]:
    """Return what is kept of a training."""
    machine = describe_machine()["machine"]
    return {
        "returns": returns,
        "mean_return": float(np.mean(returns)),
        "late_return": late_return(curve),
        "area": area(curve),
        "train_wall_s": train_wall_s,
        "total_wall_s": total_wall_s,
        "steps": steps,
        "cores": machine["cores"],
        "cpu": machine["cpu"],
        "curve": thinned(curve, steps),
    }


def late_return(curve: Curve) -> float | None:
    """Return the mean return of the last training episodes; None where there was none."""
    values = [value for _, value in curve]
    count = max(1, round(LATE * len(values)))
    return float(np.mean(values[-count:])) if values else None


def area(curve: Curve) -> float | None:
    """Return the area under the learning curve over its length: returns weighted by steps."""
    if not curve:
        return None
    ends, values = np.array(curve).T
    return float(np.average(values, weights=np.diff(ends, prepend=0.0)))


def thinned(curve: Curve, steps: int, points: int = POINTS) -> Curve:
    """Return the mean over equal stretches of steps, (end of stretch, mean return).

    A stretch in which no episode ended has no point.
    """
    stretches: dict[int, list[float]] = {}
    for step, value in curve:
        stretches.setdefault(int(np.ceil(step * points / steps)), []).append(value)
    return [(k * steps / points, round(float(np.mean(v)), 3)) for k, v in stretches.items()]


def _run(command: list[str], folder: str) -> tuple[str, float]:
    """Run in a folder of its own, where MuJoCo leaves its log; return stdout and wall time [s]."""
    began = time.monotonic()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=folder,
            start_new_session=True,  # a Ctrl-C reaches it through us, once
        ) as process,
    ):
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            process.terminate()
            process.wait(PATIENCE)
            raise
        if process.returncode:
            errors.seek(0)
            words = "\n".join(errors.read().strip().splitlines()[-SHOWN_LINES:])
            raise TrainingFailedError(f"it ended with code {process.returncode}: {words}")
    return output, time.monotonic() - began


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))
