"""What a tick of the agent spends its time on, measured on the agent's own objects, for `bench`.

`python -m benchmarks.nodes.tick_parts --ros-args --params-file … -p run.policy:=…` plays states to
an experiment in one process and prints the median of each part in microseconds, as JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import rclpy
from rclpy.qos import QoSProfile
from rclpy.utilities import try_shutdown
from sensor_msgs.msg import JointState

from ddpg_ros import types
from ddpg_ros.ros.interface.messages import JointMap, JointStateWriter
from ddpg_ros.ros.interface.parameters import read_config
from ddpg_ros.ros.runtime.arguments import read_arguments
from ddpg_ros.ros.runtime.node import MainNode
from ddpg_ros.ros.runtime.transport import choose_transport
from ddpg_ros.safety.arming import ARMING_STATES
from ddpg_ros.training.session import Session

_TICKS = 4000
_IN_TURN = (
    "receive",
    "map",
    "observe",
    "act",
    "guard",
    "rest of tick",
    "tick",
    "write",
    "publish",
)
_PAUSE = 0.0005  # [s] between ticks: at full tilt the caches would be warmer than in a robot


class Stopwatch:
    """Times parts of a tick."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._times: dict[str, list[float]] = {}

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call`, timed under a name."""
        times = self._times.setdefault(name, [])

        def measured(*arguments: Any) -> Any:
            begin = time.perf_counter()
            result = call(*arguments)
            times.append(time.perf_counter() - begin)
            return result

        return measured

    def medians(self) -> dict[str, float]:
        """Return the median of each part [µs]."""
        return {name: 1e6 * median(times) for name, times in self._times.items() if times}


def measure(node: MainNode) -> dict[str, float]:
    """Return the median of each part [µs]; `tick` holds observe, act, guard and its own rest."""
    config = read_config(node)
    session = Session(config, None)
    watch = Stopwatch()
    joints = session.robot.joints
    task, guard = session._task, session.safety
    actor = session._loop._actor
    task.observe = watch.timed("observe", task.observe)  # type: ignore[method-assign]
    actor.select_action = watch.timed("act", actor.select_action)  # type: ignore[method-assign]
    guard.apply = watch.timed("guard", guard.apply)  # type: ignore[method-assign]
    qos = QoSProfile(depth=1)
    states = node.create_subscription(JointState, "state", lambda message: None, qos, raw=True)
    robot = node.create_publisher(JointState, "state", qos)
    commands = node.create_publisher(JointState, "command", qos)
    node.create_subscription(JointState, "command", lambda message: None, qos)
    handle: Any = states.handle
    receive = watch.timed("receive", lambda: handle.take_message(JointState, True))
    to_arrays = watch.timed("map", JointMap(joints).state)
    tick = watch.timed("tick", session.tick)
    write = watch.timed("write", JointStateWriter(joints, efforts_only=True).write)
    publish = watch.timed("publish", commands.publish)
    sender = JointStateWriter(joints)
    zero = [0.0] * len(joints)
    period = round(config.control.period * 1e9)
    still = np.zeros(len(joints))
    state = types.JointState(1, still, still)
    for _ in range(ARMING_STATES):
        session.safety.heard(state, time.monotonic())
    session.safety.arm(time.monotonic(), anywhere=True)
    session.next_episode(state)
    for number in range(_TICKS):
        robot.publish(sender.write(number * period, zero, [1e-4 * number] * len(joints), zero))
        time.sleep(_PAUSE)
        taken = receive()
        if taken is None:
            continue
        answer = tick(to_arrays(taken[0]), config.control.period)
        if answer.over:
            session.next_episode(state)
        else:
            publish(write(number * period, answer.torque.tolist()))
    parts = watch.medians()
    parts["rest of tick"] = parts["tick"] - parts["observe"] - parts["act"] - parts["guard"]
    return {name: parts[name] for name in _IN_TURN}


def main(args: Sequence[str] | None = None) -> int:
    """Print the parts as JSON."""
    choose_transport()
    arguments = read_arguments(sys.argv[1:] if args is None else args)
    rclpy.init(args=list(arguments.rest))
    node = MainNode("tick_parts", arguments)
    print(json.dumps(measure(node)), flush=True)
    node.destroy_node()
    try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
