"""One publisher too many: a second commander, policy or driver of the same arm."""

import os
import socket
import time

from rclpy.node import Node

from ddpg_ros.errors import ConfigError, MachineError
from ddpg_ros.ros.interface.publishers import publishers_of, sole_publisher
from ddpg_ros.safety.one_writer import OneWriter

_LOOK_EVERY = 1.0  # [s] at the graph
_NEWCOMER = 3  # first looks: a node that finds another commander then came second, and leaves
_INTRUSION = 5  # looks in a row that find another commander, after which this node leaves
_ONE_COMMANDER = (
    "one arm takes one commander: stop the other, or give this one a ROS_DOMAIN_ID or a namespace "
    "of its own."
)


class Conflicts:
    """Looks for other publishers on the topics of a node that commands an arm."""

    def __init__(self, node: Node, states: str, commands: str, passed_on: str = "") -> None:
        """Take the topics.

        Args:
            node: whose graph to look at.
            states: topic of the joint states, which one driver publishes.
            commands: topic of the joint commands, which this node alone publishes.
            passed_on: topic of the commands that this node passes on, which one policy publishes;
                empty if there are none.
        """
        self._node = node
        self._states = node.resolve_topic_name(states)
        self._commands = node.resolve_topic_name(commands)
        self._passed_on = node.resolve_topic_name(passed_on) if passed_on else ""
        self._driver = OneWriter()
        self._looked_at = time.monotonic()
        self._looks = self._intrusions = 0  # so far; in a row
        self._suspected = False  # at the last look

    def require_apart(self) -> None:
        """Refuse to write to a topic that this node reads.

        Raises:
            ConfigError: the topic of the torques is one that this node reads.
        """
        if self._commands in (self._states, self._passed_on):
            raise ConfigError(
                f"the torques go to {self._commands}, which this node reads itself; expected two "
                "topics: look at the remappings (-r) and at control.effort_topic."
            )

    def take_host_lock(self) -> socket.socket:
        """Be the one node of this host that commands the arm, until the socket is closed.

        Raises:
            MachineError: another node is.
        """
        return sole_publisher(self._node, self._commands, _ONE_COMMANDER)

    def record_number(self, number: int | None) -> None:
        """Record the sequence number of a state of our joints, whether or not it is believed."""
        self._driver.hear(number, time.monotonic())

    def check(self) -> None:
        """Look at the graph once a second; cheap enough for ten times a second.

        Raises:
            MachineError: another node commands the same arm.
        """
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        self._looks += 1
        intruder = self._commanders()
        self._intrusions = self._intrusions + 1 if intruder else 0
        if intruder and (self._looks <= _NEWCOMER or self._intrusions >= _INTRUSION):
            raise MachineError(intruder)
        self._suspected = bool(intruder or self._policies())

    @property
    def suspected(self) -> bool:
        """Whether the last look or the sequence numbers point to a conflict; `find` makes sure."""
        return self._suspected or self._driver.contradicted(time.monotonic())

    def find(self) -> str:
        """Return a sentence if one of the topics has a publisher too many now; or nothing."""
        return self._commanders() or self._policies() or self._drivers()

    def values(self) -> dict[str, object]:
        """Return the values for `/diagnostics`."""
        return {"commands.publishers": self._node.count_publishers(self._commands)}

    def _commanders(self) -> str:
        if self._node.count_publishers(self._commands) <= 1:
            return ""
        others = publishers_of(self._node, self._commands, but_own=True)
        return (
            f"another node publishes on {self._commands} in ROS domain {domain()}: {others}; "
            f"{_ONE_COMMANDER}"
        )

    def _policies(self) -> str:
        if not self._passed_on or self._node.count_publishers(self._passed_on) <= 1:
            return ""
        return (
            f"more than one node publishes on {self._passed_on} in ROS domain {domain()}: "
            f"{publishers_of(self._node, self._passed_on)}; the torques of one policy are passed "
            "on: stop the others, or remap joint_command to a topic that one alone publishes."
        )

    def _drivers(self) -> str:
        if not self._driver.contradicted(time.monotonic()):
            return ""
        if self._node.count_publishers(self._states) <= 1:  # the other one has left
            self._driver.forget()
            return ""
        return (
            f"more than one node publishes states of our joints on {self._states} in ROS domain "
            f"{domain()}, among {publishers_of(self._node, self._states)}; one arm has one "
            "driver: stop the other, or give it a topic or a namespace of its own."
        )


def domain() -> str:
    """Return the ROS domain, for a sentence."""
    return os.environ.get("ROS_DOMAIN_ID", "0")
