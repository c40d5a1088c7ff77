"""The recorder: writes what the other nodes say to each other into rosbag2 recordings.

It is a process of its own, so that no control loop waits for a disk. It hears the topics that
`TOPICS` names as far as they exist, with the quality of service that their publishers offer.
`run.record` decides what reaches the disk: see `recording/recorder.py`.

No message wakes it. It is no urgent work: ten times a second it takes what has come, so that it
rarely asks for a core that a control loop needs.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import yaml
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from ddpg_ros.config.run_directory import RECORDINGS
from ddpg_ros.config.settings import to_parameters
from ddpg_ros.errors import ConfigError
from ddpg_ros.recording.definitions import definition_of, message_class
from ddpg_ros.recording.messages import Message, Topic, qos_entry
from ddpg_ros.recording.recorder import Latches, Recorder
from ddpg_ros.recording.steps import COMMAND, GUARDED, STEP
from ddpg_ros.ros.interface.parameters import read_config, refuse_unknown_types
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.executor import take_rest
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.ros.runtime.node import MainNode
from ddpg_ros.safety.state_machine import Mode
from ddpg_ros.version import __version__

_DIAGNOSTICS = "/diagnostics"
_LASTING = ("goal", "robot_description")
_NODES = ("agent", "policy")
TOPICS = (
    "joint_states",
    COMMAND,
    GUARDED,
    *_LASTING,
    *(f"{node}/{STEP}" for node in _NODES),
    "agent/episode",
    _DIAGNOSTICS,
)
"""What is recorded, beside ros2_control's array of torques, whose name is a setting."""

_LATCHED = {mode.value for mode in (Mode.FAULT, Mode.ESTOP)}
_TICK = 0.1  # [s] between looks at the clock
_LOOK_EVERY = 0.3  # [s] for new topics
_DEPTH = 5000  # messages that wait while a file is written
_NICENESS = 10
_MB = 1e6


class RecorderNode(MainNode):
    """Subscribes, and hands everything to a `Recorder`."""

    def __init__(self, arguments: Arguments) -> None:
        """Read the parameters.

        Args:
            arguments: the node's command line.

        Raises:
            ConfigError: a parameter that cannot be used, or nothing to record.
        """
        super().__init__("recorder", arguments)
        refuse_unknown_types(self)
        config = read_config(self)
        mode: Literal["off", "latch", "all", "auto"] = config.run.record
        if mode == "off":
            raise ConfigError(
                "run.record is off, and this node does nothing but record; expected latch or all."
            )
        self._mode: Literal["latch", "all"] = "latch" if mode == "auto" else mode
        self._folder = Path(config.run.directory or ".").resolve() / RECORDINGS
        names = [*TOPICS, config.control.effort_topic]
        self._awaited = {self.resolve_topic_name(name) for name in names}
        settings = to_parameters(config)
        self._recorder = Recorder(
            self._mode,
            self._folder,
            round(config.run.record_limit * _MB),
            {
                "version": __version__,
                "task": config.task.name,
                "gravity": config.robot.gravity,
                "settings": yaml.safe_dump(settings, sort_keys=False),
            },
            tuple(self.resolve_topic_name(name) for name in _LASTING),
        )
        self._heard: dict[str, Subscription] = {}  # by topic
        self._latches = Latches()
        self._looked_at = 0.0  # [s]
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.urgent.add(self.create_timer(_TICK, self._on_timer, clock=steady))
        self.get_logger().info(f"records {self._mode} into {self._folder}")

    def _on_timer(self) -> None:
        now = time.monotonic()
        self._recorder.look(now)
        if self._awaited and now - self._looked_at > _LOOK_EVERY:
            self._looked_at = now
            self._subscribe()

    def _subscribe(self) -> None:
        """Subscribe to the awaited topics that have a publisher by now."""
        for name, types in self.get_topic_names_and_types():
            publishers = self.get_publishers_info_by_topic(name) if name in self._awaited else []
            if publishers and types:
                self._awaited.discard(name)
                self._record(name, types[0], publishers)

    def _record(self, name: str, kind: str, publishers: Sequence[TopicEndpointInfo]) -> None:
        try:
            definition, cls = definition_of(kind), message_class(kind)
        except (ImportError, AttributeError):
            self.get_logger().warning(
                f"{name} is not recorded: the messages of {kind} are not installed here."
            )
            return
        offered = [info.qos_profile for info in publishers]
        self._recorder.add_topic(
            Topic(
                name,
                kind,
                definition,
                tuple(_entry(profile) for profile in offered),
                str(publishers[0].topic_type_hash),
            )
        )
        subscription: Subscription = self.create_subscription(
            cls, name, partial(self._on_message, name), _fitting(offered), raw=True
        )
        self._heard[name] = subscription
        self.get_logger().info(f"hears {name}")

    def _on_message(self, name: str, data: bytes, info: dict[str, Any]) -> None:
        rest = take_rest(self._heard[name])
        self._take(name, [(data, info), *rest], time.monotonic())

    def _take(self, name: str, taken: Sequence[tuple[bytes, dict[str, Any]]], now: float) -> None:
        for data, info in taken:
            received = int(info.get("received_timestamp") or time.time_ns())
            published = int(info.get("source_timestamp") or received)
            self._recorder.add(Message(name, data, received, published), now)
            if name == _DIAGNOSTICS and self._tells_of_a_latch(data):
                self._take_all(now)  # what led to it may still wait
                self._recorder.latched(now)

    def _take_all(self, now: float) -> None:
        for name, subscription in self._heard.items():
            self._take(name, take_rest(subscription), now)

    def _tells_of_a_latch(self, data: bytes) -> bool:
        new = False
        with suppress(RuntimeError, ValueError):  # of another device, or damaged
            own = self.get_namespace()
            for status in deserialize_message(data, DiagnosticArray).status:
                node = status.name
                if (node.rpartition("/")[0] or "/") != own:
                    continue
                values = {pair.key: pair.value for pair in status.values}
                if "latches" not in values:
                    continue
                latched = values.get("state") in _LATCHED
                if self._latches.is_new(node, int(values["latches"]), latched):
                    self.get_logger().info(f"{node} has latched: {status.message}")
                    new = True
        return new

    def end(self) -> None:
        """Take what has come, and write what is left; nothing more is taken."""
        try:
            self._take_all(time.monotonic())
        finally:
            self._heard.clear()
            self._recorder.close()


def _fitting(offered: Sequence[QoSProfile]) -> QoSProfile:
    """Return the best quality of service that all publishers offer."""
    reliable = all(one.reliability is ReliabilityPolicy.RELIABLE for one in offered)
    lasting = all(one.durability is DurabilityPolicy.TRANSIENT_LOCAL for one in offered)
    return QoSProfile(
        depth=_DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if lasting else DurabilityPolicy.VOLATILE,
    )


def _entry(profile: QoSProfile) -> dict[str, object]:
    reliable = profile.reliability is ReliabilityPolicy.RELIABLE
    lasting = profile.durability is DurabilityPolicy.TRANSIENT_LOCAL
    return qos_entry(
        "reliable" if reliable else "best_effort",
        "transient_local" if lasting else "volatile",
        profile.depth or 1,  # what is offered over DDS does not say it
    )


def _yield_to_others() -> None:
    """Let the control loop come first: a message for us is not to take its core from it.

    Before ROS is up: the middleware's threads inherit this, and Linux counts it by thread.
    """
    if not sys.platform.startswith("linux"):
        os.nice(_NICENESS)
        return
    for thread in map(int, os.listdir("/proc/self/task")):  # numpy has some already
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, _NICENESS)
            os.sched_setscheduler(thread, os.SCHED_BATCH, os.sched_param(0))


def main(args: Sequence[str] | None = None) -> int:
    """Run the recorder node: `ros2 run ddpg_ros recorder`."""
    _yield_to_others()
    return run_node(RecorderNode, args)


if __name__ == "__main__":
    sys.exit(main())
