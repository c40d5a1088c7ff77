"""Small programs that test a library in a process of their own.

A library that is missing, fails on import or crashes then does not affect the caller, and the
command line needs neither rclpy nor torch.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

PROBE_TIMEOUT_S = 60.0
EXCHANGE_TIMEOUT_S = 5.0
_START_S = 30.0  # for two processes to import rclpy, on a machine that is busy

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
end = time.monotonic() + float(sys.argv[2]) + 60.0  # the listener may come up later
while time.monotonic() < end:
    publisher.publish(String(data="hello"))
    time.sleep(0.05)
"""


@dataclass(frozen=True)
class ProbeResult:
    """What a probe found, or why it failed."""

    found: dict[str, Any] | None
    problem: str = ""
    slow: bool = False  # it had no time to answer, so that nothing is known


def importing(module: str) -> str:
    """Return a probe that imports a module."""
    return f"import {module}; print('{{}}')"


def run_probe(program: str, timeout_s: float = PROBE_TIMEOUT_S) -> ProbeResult:
    """Run a probe: a Python program whose last line of output is a JSON object."""
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ProbeResult(None, f"no answer within {timeout_s:g} s", slow=True)
    if ended.returncode:
        errors = ended.stderr.strip().splitlines() or [f"ended with exit code {ended.returncode}"]
        return ProbeResult(None, errors[-1])
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return ProbeResult(found)


def exchange_over_dds(timeout_s: float | None = None) -> ProbeResult:
    """Publish a message in one process and receive it in another.

    Nodes in the same process could exchange it without the middleware.
    """
    timeout_s = EXCHANGE_TIMEOUT_S if timeout_s is None else timeout_s
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
        out, err = listener.communicate(timeout=timeout_s + _START_S)
    except subprocess.TimeoutExpired:
        return ProbeResult(None, "two processes did not come up in time", slow=True)
    finally:
        for process in (talker, listener):
            process.kill()
            process.communicate()
    if listener.returncode:
        return ProbeResult(None, (err.strip().splitlines() or ["the listener failed"])[-1])
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    if not found["heard"]:
        return ProbeResult(None, f"no message arrived within {timeout_s:g} s")
    return ProbeResult(found)
