"""What `~/estop` does to arms: speed before the call, and one to three seconds after it.

    .venv/bin/python -m benchmarks.stops [--code FOLDER] [--results FILE]

For each arm the simulator follows the wall clock, without gravity, from a speed of up to
0.05 rad/s; an agent sends the torques; its `~/estop` is called. `--code` takes the nodes from
another checkout, such as one of an earlier version. Writes `results/stops.json`. Arms of
`example-robot-data` (pip) are measured too if they are there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rich.console import Console
from rich.table import Table
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from benchmarks.cells import RESULTS
from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.ros.runtime.transport import choose_transport

LOOK, AFTER, UNTIL = 2.0, 1.0, 3.0  # [s] before the call; from and until when after it
LIGHT = """
<robot name="light">
  <link name="base"/>
  <joint name="j1" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 0 1"/>
    <limit effort="10" velocity="5" lower="-3" upper="3"/></joint>
  <link name="arm"><inertial><origin xyz="0.1 0 0"/><mass value="0.2"/>
    <inertia ixx="1e-4" iyy="1e-3" izz="1e-3" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="f" type="fixed"><parent link="arm"/><child link="tip"/>
    <origin xyz="0.2 0 0"/></joint>
  <link name="tip"/>
</robot>"""
OTHERS = {  # in example-robot-data
    "UR5": "ur_description/urdf/ur5_robot.urdf",
    "UR10": "ur_description/urdf/ur10_robot.urdf",
    "Panda (its URDF)": "panda_description/urdf/panda.urdf",
    "Kinova": "kinova_description/robots/kinova.urdf",
    "Z1": "z1_description/urdf/z1.urdf",
    "xArm7": "xarm_description/urdf/xarm7.urdf",
    "SO-101": "so_arm_description/urdf/so101.urdf",
    "Talos, left arm": "talos_data/robots/talos_left_arm.urdf",
}


def main() -> None:
    """Measure one arm after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--code", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--results", type=Path, default=RESULTS / "stops.json")
    parser.add_argument("--only", default="", help="arms whose name holds this")
    arguments = parser.parse_args()
    os.environ |= {"ROS_DOMAIN_ID": "93", "PYTHONPATH": str(arguments.code.resolve())}
    choose_transport()
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in arms(Path(folder)).items():
            if arguments.only in name:
                rows[name] = measure(settings, arguments.code, Path(folder))
                print(name, rows[name], flush=True)
    table = Table("arm", "speed before [rad/s]", "1 to 3 s after", "torque then [N·m]")
    for name, row in rows.items():
        numbers = [f"{row[key]:.3g}" if key in row else row["refused"] for key in KEYS]
        table.add_row(name, *(numbers if "refused" not in row else [row["refused"], "", ""]))
    Console().print(table)
    write_results({"benchmark": "stops", "arms": rows, **describe_machine()}, arguments.results)


KEYS = ("before", "after", "torque")


def arms(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the settings of each arm, flat, besides what all have."""
    light = folder / "light.urdf"
    light.write_text(LIGHT)
    found: dict[str, dict[str, Any]] = {
        "light arm": {"robot.urdf": str(light)},
        "two links (reach)": {"robot.urdf": "reacher2"},
        "pendulum": {"robot.urdf": "pendulum", "task.name": "swing_up", "robot.gravity": "none"},
        "Panda (panda.yaml)": {"": "panda"},
        "iiwa": {"robot.urdf": "kuka_iiwa/model.urdf", "robot.torque_limit": [100.0] * 7},
    }
    brought = find_spec("cmeel")
    for place in (brought.submodule_search_locations if brought else None) or ():
        for name, path in OTHERS.items():
            file = Path(place).parent / "cmeel.prefix/share/example-robot-data/robots" / path
            if file.is_file():
                found[name] = {"robot.urdf": str(file)}
    for name, settings in found.items():
        if "UR10" in name:
            settings["robot.torque_limit"] = [100.0, 100.0, 100.0, 50.0, 50.0, 50.0]
        if "its URDF" in name:
            settings["safety.urdf_gains"] = False
    return found


def measure(settings: dict[str, Any], code: Path, folder: Path) -> dict[str, Any]:
    """Return speed before, and speed and torque after `~/estop`; or why it did not start."""
    tree: dict[str, Any] = {}
    base = settings.get("")
    if base is not None:
        document = yaml.safe_load((code / "config" / f"{base}.yaml").read_text())
        tree = document["/**"]["ros__parameters"]
    common = {
        "run.clock": "realtime",
        "learner.mode": "eager",
        "sim.gravity": 0.0,
        "sim.start_position_spread": 0.1,
        "sim.start_velocity_spread": 0.05,
    }
    for name, value in (common | {k: v for k, v in settings.items() if k}).items():
        section, _, key = name.partition(".")
        tree.setdefault(section, {})[key] = value
    file = folder / "arm.yaml"
    file.write_text(yaml.safe_dump({"/**": {"ros__parameters": tree}}))
    run = tempfile.mkdtemp(dir=folder)
    programs = {
        "simulator": ("sim.simulator_node", ()),
        "agent": ("ddpg_ros.ros.nodes.agent", ("-p", f"run.directory:={run}/run")),
    }
    with ExitStack() as stack:
        logs = {name: stack.enter_context((folder / f"{name}.txt").open("w")) for name in programs}
        processes = {}
        for name, (module, more) in programs.items():
            command = [sys.executable, "-m", module, "--ros-args", "--params-file", str(file)]
            process = subprocess.Popen(
                [*command, *more], stdout=logs[name], stderr=subprocess.STDOUT, cwd=code
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            processes[name] = process
        return watch(processes, folder)


def watch(processes: dict[str, subprocess.Popen[bytes]], folder: Path) -> dict[str, Any]:
    """Call `~/estop` and look at the topics."""
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("watch", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    speeds: list[tuple[float, float]] = []
    torques: list[tuple[float, float]] = []

    def largest(numbers: Any) -> tuple[float, float]:
        return time.monotonic(), float(np.abs(numbers).max(initial=0.0))

    def on_state(message: JointState) -> None:
        speeds.append(largest(message.velocity))

    def on_command(message: JointState) -> None:
        torques.append(largest(message.effort))

    node.create_subscription(JointState, "joint_states", on_state, 10)
    node.create_subscription(JointState, "joint_command", on_command, 10)
    client = node.create_client(Trigger, "agent/estop")
    try:
        waited = time.monotonic()
        while not (client.service_is_ready() and speeds and torques):
            executor.spin_once(0.05)
            for name, process in processes.items():
                if process.poll() is not None or time.monotonic() - waited > 30.0:
                    said = (folder / f"{name}.txt").read_text().strip().splitlines()
                    return {"refused": said[-1][:200] if said else f"{name} did not start"}
        begun = time.monotonic()
        while time.monotonic() < begun + LOOK:
            executor.spin_once(0.05)
        client.call_async(Trigger.Request())
        called = time.monotonic()
        while time.monotonic() < called + UNTIL:
            executor.spin_once(0.05)
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
    return {
        "before": max(speed for at, speed in speeds if at < called),
        "after": max(speed for at, speed in speeds if at > called + AFTER),
        "torque": max((torque for at, torque in torques if at > called + AFTER), default=0.0),
    }


if __name__ == "__main__":
    main()
