"""What an answer to a joint state costs: our executor and reading beside rclpy's own.

    .venv/bin/python -m benchmarks.executors [--rounds 5] [--cycles 4000]

Each round measures every pair of executor and reading, in turn, nothing beside them: a node sends
a two-joint state as soon as the last one was answered (the cycles per second of lock-step), then
one every 2 ms (the latency at 500 Hz). Writes `results/executors.json`.

rclpy's EventsExecutor turns by `spin_once`: its `spin` of rclpy 7.1.6 keeps the interpreter's
lock, so that neither a callback nor a signal handler runs.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from benchmarks.nodes.answerer import JOINTS
from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.ros.interface.messages import JointStateWriter
from ddpg_ros.ros.runtime.executor import make_executor
from ddpg_ros.ros.runtime.transport import choose_transport

RESULTS = Path(__file__).resolve().parent / "results"
WAYS = [(name, how) for name in ("standard", "events", "ours") for how in ("objects", "bytes")]
_WARM_UP = 500  # [cycles]
_PERIOD = 0.002  # [s]
_PATIENCE = 20.0  # [s]


class Asker(Node):
    """Sends states and times the answers."""

    def __init__(self) -> None:
        """Open the topics."""
        super().__init__("asker")
        qos = QoSProfile(depth=1)
        self._publisher = self.create_publisher(JointState, "ping", qos)
        self._writer = JointStateWriter(JOINTS)
        self.urgent = {self.create_subscription(JointState, "pong", self._hear, qos, raw=True)}
        self._executor = make_executor(self)
        self._answered = False

    def _hear(self, _: bytes) -> None:
        self._answered = True

    def ask(self, number: int) -> float:
        """Send a state and wait for its answer; return how long that took [s]."""
        self._answered = False
        begun = time.perf_counter()
        self._publisher.publish(self._writer.write(number, [0.0] * 2, [0.1] * 2, [0.2] * 2))
        while not self._answered:
            self._executor.turn()
            if time.perf_counter() - begun > _PATIENCE:
                raise TimeoutError("no answer came")
        return time.perf_counter() - begun

    def find(self) -> None:
        """Wait until the other side answers."""
        begun = time.monotonic()
        while not self._answered:
            self._publisher.publish(self._writer.write(0, [0.0] * 2, [0.0] * 2, [0.0] * 2))
            self._executor.turn()  # at most 0.1 s
            if time.monotonic() - begun > _PATIENCE:
                raise TimeoutError("no node answers")
        for _ in range(10):
            self._executor.turn()  # what else was answered


def measure(executor: str, reading: str, cycles: int) -> dict[str, float]:
    """Return cycles per second, and the median and 99th percentile of the latency [ms]."""
    command = [sys.executable, "-m", "benchmarks.nodes.answerer", executor, reading]
    asker = Asker()
    with subprocess.Popen(command) as answerer:
        try:
            asker.find()
            for number in range(_WARM_UP):
                asker.ask(number)
            begun = time.perf_counter()
            for number in range(cycles):
                asker.ask(number)
            rate = cycles / (time.perf_counter() - begun)
            latencies = []
            due = time.perf_counter()
            for number in range(cycles // 2):
                due += _PERIOD
                time.sleep(max(0.0, due - time.perf_counter()))
                latencies.append(1e3 * asker.ask(number))
        finally:
            answerer.kill()
            asker.destroy_node()
    hundredths = statistics.quantiles(latencies, n=100)
    return {"cycles_per_s": rate, "p50_ms": hundredths[49], "p99_ms": hundredths[98]}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cycles", type=int, default=4000)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    choose_transport()
    rclpy.init()
    rounds: dict[str, list[dict[str, float]]] = {" ".join(way): [] for way in WAYS}
    for _ in range(arguments.rounds):
        for way in WAYS:
            rounds[" ".join(way)].append(measure(*way, arguments.cycles))
    rows: list[dict[str, Any]] = []
    for name, runs in rounds.items():
        median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        rows.append({"way": name, "median": median, "rounds": runs})
        print(name.ljust(18), json.dumps({k: round(v, 3) for k, v in median.items()}), flush=True)
    report = {"benchmark": "executors", "rows": rows, **describe_machine()}
    write_results(report, arguments.results / "executors.json")


if __name__ == "__main__":
    main()
