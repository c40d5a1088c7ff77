"""One measurement of `python -m benchmarks latency`: a metronome, and who answers it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from benchmarks.speed.untrained import save_untrained
from ddpg_ros.cli.playback import temporary_run
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import MachineError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.types import Vector

Who = Literal["echo", "learner off", "learner flat out"]
CONTENDERS: tuple[Who, ...] = get_args(Who)

_SETTLE = {"echo": 1.0, "learner off": 1.0, "learner flat out": 5.0}  # [s] before it counts
_FOREVER = 100_000.0  # [s] of an episode: nothing is reset while we measure
_UPDATES_A_STEP = 1000.0  # more than any learner here does in a period
_GRACE = 20.0  # [s] for a node to end
_OVERHEAD = 200.0  # [s] beside what is measured: the start of a learner, its patience
_SHOWN_LINES = 5  # of what a process that failed had to say


class Segment(NamedTuple):
    """What is measured in one go."""

    who: Who
    rate: int  # [Hz]
    seconds: float
    record: Literal["off", "latch", "all"] = "off"  # with a recorder beside the agent


def settings(rate: int, policy: Path | None, record: str = "off") -> Config:
    """Return the configuration of an agent at a rate [Hz]: training, or running a policy file."""
    return load_config("reach").with_parameters(
        {
            "run.clock": "realtime",
            "run.steps": 1_000_000_000,
            "run.policy": None if policy is None else str(policy),
            "run.eval_episodes": 1_000_000,
            "run.record": record,
            "control.period": 1.0 / rate,
            "control.reset_service": "",
            "sim.physics_timestep": 1.0 / rate,
            "task.episode_seconds": _FOREVER,
            "learner.mode": "eager",  # nothing compiles while we measure
            "learner.warmup_steps": 10,
            "learner.update_to_data": _UPDATES_A_STEP,
            "safety.auto_arm": True,
            "safety.ramp_seconds": 0.0,
            "safety.latch_after": 10.0,
        }
    )


def measure(segment: Segment) -> Vector:
    """Return the latency of each state [s], inf where the answer is missing.

    Raises:
        MachineError: a process ended before its time; the message holds its last words.
    """
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as name, _answering(segment) as answering:
        file = Path(name) / "latency.npy"
        robot = Robot.load(load_config("reach").robot.urdf)
        parameters = {
            "rate": float(segment.rate),
            "seconds": float(segment.seconds),
            "settle": _SETTLE[segment.who],
            "file": file,
            "joints": list(robot.joints),
            "centre": ((robot.lower + robot.upper) / 2.0).tolist(),
        }
        told = [word for key, value in parameters.items() for word in ("-p", f"{key}:={value}")]
        with _running("benchmarks.nodes.metronome", told) as metronome:
            metronome.process.wait(segment.seconds + _OVERHEAD)
        if not file.exists():
            words = metronome.last_words() or answering.last_words() or "Nobody said why."
            raise MachineError(f"{segment.who} at {segment.rate} Hz was not measured: {words}")
        return np.asarray(np.load(file))


class _Running:
    """A node in a process of its own."""

    def __init__(self, module: str, told: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        place = ["--log-level", "warn", "-r", f"__ns:=/ddpg_ros_{os.getpid()}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "--ros-args", *place, *told],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self) -> str:
        self._errors.seek(0)
        return " / ".join(self._errors.read().strip().splitlines()[-_SHOWN_LINES:])


@contextmanager
def _running(module: str, told: Sequence[str]) -> Iterator[_Running]:
    node = _Running(module, told)
    try:
        yield node
    finally:
        node.stop()


@contextmanager
def _answering(segment: Segment) -> Iterator[_Running]:
    """Run who answers the states."""
    if segment.who == "echo":
        with _running("benchmarks.nodes.echo", []) as node:
            yield node
        return
    with tempfile.TemporaryDirectory(prefix="ddpg_ros-") as name:
        policy = Path(name) / "untrained.safetensors"
        save_untrained(policy, settings(segment.rate, None))
        frozen = policy if segment.who == "learner off" else None
        config = settings(segment.rate, frozen, segment.record)
        with temporary_run(config) as run, ExitStack() as beside:
            told = ["--params-file", str(run.config_file)]
            if segment.record != "off":
                beside.enter_context(_running("ddpg_ros.ros.nodes.recorder", told))
            with _running("ddpg_ros.ros.nodes.agent", told) as node:
                yield node
