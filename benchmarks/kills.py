"""What SIGKILL of a subscriber does to the node that sends to it, by the transport.

    .venv/bin/python -m benchmarks.kills [--kills 120]

The simulator sends states at 200 Hz; one process listens throughout, another is killed soon
after its first state, again and again. Once over UDP alone, as our nodes choose, and once as
rmw_fastrtps would have it, shared memory included; a kill of each in turn. Writes
`results/kills.json`: how long the simulator stood still, each time it did.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import rclpy
from rich.progress import track
from sensor_msgs.msg import JointState

from benchmarks.cells import RESULTS
from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.ros.runtime.transport import choose_transport

PERIOD, STILL = 0.005, 0.1  # [s]; a state is due every PERIOD, and none for STILL is counted
SETTLED = 4.0  # [s] until simulator and listener know each other
TRANSPORTS = {  # static peers keep our nodes from choosing: then rmw_fastrtps does
    "UDP": {"ROS_DOMAIN_ID": "91"},
    "shared memory": {"ROS_DOMAIN_ID": "92", "ROS_STATIC_PEERS": "127.0.0.1"},
}
LISTENER = ("benchmarks.kills", "--listen")


def main() -> None:
    """Kill, or listen where this is the process that does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--listen", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.listen:
        listen()
        return
    still = measure(arguments.kills)
    for name, times in still.items():
        print(f"{name}: stood still after {len(times)} of {arguments.kills} kills: {times} s")
    report = {"benchmark": "kills", "kills": arguments.kills, "stood_still_s": still}
    write_results({**report, **describe_machine()}, RESULTS / "kills.json")


def measure(kills: int) -> dict[str, list[float]]:
    """Return the pauses of the simulator [s] for each transport."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        logs = {name: folder / f"{name}.txt" for name in TRANSPORTS}
        for name, log in logs.items():
            simulator = ["sim.simulator_node", "--ros-args", "-p", "run.clock:=realtime"]
            for setting in ("control.period", "sim.physics_timestep"):
                simulator += ["-p", f"{setting}:={PERIOD}"]
            sink = stack.enter_context(log.open("wb"))
            for module, output in ((simulator, subprocess.DEVNULL), (LISTENER, sink)):
                process = stack.enter_context(start(name, *module, output=output))
                stack.callback(process.kill)
        time.sleep(SETTLED)
        for name, log in logs.items():
            if not log.read_bytes():
                sys.exit(f"no state came over {name} in {SETTLED:g} s: see 'ddpg-ros doctor'.")
        for _ in track(range(kills), "kills"):
            for name in TRANSPORTS:
                kill_one(name)
        time.sleep(SETTLED)
        lines = {name: log.read_text(encoding="utf-8").split() for name, log in logs.items()}
        return {name: [float(still) for still in said[1:]] for name, said in lines.items()}


def kill_one(transport: str) -> None:
    """Start a subscriber, let it hear something, and kill it."""
    with start(transport, *LISTENER, output=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        time.sleep(random.uniform(0.05, 0.3))
        victim.kill()
    time.sleep(0.3)


def listen() -> None:
    """Print a line at the first state, and then how long none was sent, wherever that is long."""
    choose_transport()
    rclpy.init()
    node = rclpy.create_node("listener")
    last = 0.0

    def on_state(state: JointState) -> None:
        nonlocal last
        now = state.header.stamp.sec + 1e-9 * state.header.stamp.nanosec
        if not last:
            print("heard", flush=True)
        elif now - last > STILL:
            print(round(now - last, 3), flush=True)
        last = now

    node.create_subscription(JointState, "joint_states", on_state, 10)
    rclpy.spin(node)


def start(transport: str, *module: str, output: Any) -> subprocess.Popen[bytes]:
    """Start `python -m` with a transport of its own."""
    environment = os.environ | {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    return subprocess.Popen(
        [sys.executable, "-m", *module], env=environment | TRANSPORTS[transport], stdout=output
    )


if __name__ == "__main__":
    main()
