"""Small programs that look at a library from a process of their own.

A library that is missing, breaks on import or crashes then cannot take the caller along, and the
command line stays free of rclpy and torch.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

PROBE_TIMEOUT_S = 60.0
MEETING_TIMEOUT_S = 5.0

RCLPY = """
import json, os, rclpy
from rclpy.utilities import get_rmw_implementation_identifier
print(json.dumps({"file": rclpy.__file__, "rmw": get_rmw_implementation_identifier()}))
"""

TORCH = """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({
    "version": torch.__version__, "cuda": torch.cuda.get_device_name(0) if cuda else None,
}))
"""

MESSAGES = """
import diagnostic_msgs.msg, geometry_msgs.msg, rosgraph_msgs.msg, sensor_msgs.msg, std_msgs.msg
import std_srvs.srv
sensor_msgs.msg.JointState(effort=[1.0])
print("{}")
"""

_LISTENER = """
import json, sys, time, rclpy
from std_msgs.msg import String
from ddpg_ros.ros.runtime.transport import choose_transport
choose_transport()
rclpy.init()
node = rclpy.create_node("ddpg_ros_doctor_listener")
heard = []
node.create_subscription(String, sys.argv[1], heard.append, 1)
start = time.monotonic()
while not heard and time.monotonic() < start + float(sys.argv[2]):
    rclpy.spin_once(node, timeout_sec=0.05)
print(json.dumps({"heard": bool(heard), "seconds": time.monotonic() - start}))
"""

_TALKER = """
import sys, time, rclpy
from std_msgs.msg import String
from ddpg_ros.ros.runtime.transport import choose_transport
choose_transport()
rclpy.init()
node = rclpy.create_node("ddpg_ros_doctor_talker")
publisher = node.create_publisher(String, sys.argv[1], 1)
end = time.monotonic() + 2 * float(sys.argv[2])
while time.monotonic() < end:
    publisher.publish(String(data="hello"))
    time.sleep(0.05)
"""


@dataclass(frozen=True)
class Answer:
    """What a probe found, or why it found nothing."""

    found: dict[str, Any] | None
    problem: str = ""


def importing(module: str) -> str:
    """Return a probe that imports a module."""
    return f"import {module}; print('{{}}')"


def ask(program: str, timeout_s: float = PROBE_TIMEOUT_S) -> Answer:
    """Run a probe, a program whose last line of output is a JSON object."""
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, f"no answer within {timeout_s:g} s")
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        return Answer(None, said[-1] if said else f"ended with exit code {ended.returncode}")
    answer: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return Answer(answer)


def meet_over_dds(timeout_s: float = MEETING_TIMEOUT_S) -> Answer:
    """Publish in one process and receive in another, as the agent and the simulator do.

    Two processes, because nodes of one process are handed messages without the middleware.
    """
    topic = f"ddpg_ros_doctor_{os.getpid()}_{time.monotonic_ns()}"

    def start(program: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", program, topic, str(timeout_s)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    talker, listener = start(_TALKER), start(_LISTENER)
    try:
        out, err = listener.communicate(timeout=timeout_s + PROBE_TIMEOUT_S / 4)
    except subprocess.TimeoutExpired:
        return Answer(None, "the listener did not end")
    finally:
        for process in (talker, listener):
            process.kill()
            process.communicate()
    if listener.returncode:
        return Answer(None, (err.strip().splitlines() or ["the listener failed"])[-1])
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    if not found["heard"]:
        return Answer(None, f"nothing was heard within {timeout_s:g} s")
    return Answer(found)
