"""Watches the topics of a node: silence, malformed joint states, one publisher too many."""

import math
import os
import socket
import time

from rclpy.node import Node

from ddpg_ros.errors import (
    ConfigError,
    ForeignJointsError,
    JointNamesError,
    JointStateError,
    MachineError,
)
from ddpg_ros.ros.interface.neighbours import publishers_of, sole_publisher
from ddpg_ros.safety.one_writer import OneWriter
from ddpg_ros.types import JointState

_LOOK_EVERY = 1.0  # [s] at the graph
_NEWCOMER = 3  # looks, in which another commander makes us the newcomer, who leaves at once
_INTRUSION = 5  # looks in a row, after which another one that stays makes us leave
_DOUBTS = 3  # malformed states in a row that end a run in which time stands
_LOG_EVERY = 5.0  # [s] the same complaint
_ONE_COMMANDER = (
    "one arm takes one commander: stop the other, or give this one a ROS_DOMAIN_ID or a namespace "
    "of its own."
)


class TopicMonitor:
    """Counts and complains; raises where going on makes no sense."""

    def __init__(
        self,
        node: Node,
        states: str,
        commands: str,
        timeout: float,
        realtime: bool,
        wanted: str = "",
    ) -> None:
        """Watch what we read, `states` and `wanted`, and `commands`, which we alone write.

        Args:
            node: whose logger and graph to use.
            states: topic of the joint states.
            commands: topic of the joint commands.
            timeout: silence to speak of [s].
            realtime: time goes on without our answers; not so in lock-step.
            wanted: topic of the commands that we pass on; empty where there are none.
        """
        self._node = node
        self._states = node.resolve_topic_name(states)
        self._commands = node.resolve_topic_name(commands)
        self._wanted = node.resolve_topic_name(wanted) if wanted else ""
        self._timeout = timeout
        self._realtime = realtime
        self._since = self._looked_at = self._checked_at = time.monotonic()
        self._silent = False
        self._looks = self._crowded = self._doubts = 0
        self._suspicious = False  # at the last look
        self._driver = OneWriter()
        self._error: JointStateError | None = None
        self._rejected_at = -math.inf
        self._foreign: ForeignJointsError | None = None  # the newest, and no state of ours since
        self.newest: JointState | None = None
        """The newest valid state."""
        self.rejected = 0
        """Malformed states."""

    def require_apart(self) -> None:
        """Refuse to write where we read.

        Raises:
            ConfigError: the topic of the torques is one that we read.
        """
        if self._commands in (self._states, self._wanted):
            raise ConfigError(
                f"the torques go to {self._commands}, which this node reads itself; expected two "
                "topics: look at the remappings (-r) and at control.effort_topic."
            )

    def take_host_lock(self) -> socket.socket:
        """Be the one node of this host that commands the arm, until the place is closed.

        Raises:
            MachineError: another node is.
        """
        return sole_publisher(self._node, self._commands, _ONE_COMMANDER)

    def hear(self, number: int | None) -> None:
        """Take note of the sequence number of a state of our joints, whatever it is worth."""
        self._driver.hear(number, time.monotonic())

    def accept(self, state: JointState) -> None:
        """Take note of a valid state."""
        self.newest, self._foreign = state, None
        self.believe()
        self._since = time.monotonic()
        if self._silent:
            self._silent = False
            self._node.get_logger().info(f"joint states arrive on {self._states} again")

    def believe(self) -> None:
        """Take note of a state that can be believed, a repeated one too."""
        self._doubts = 0

    def reject(self, error: JointStateError) -> None:
        """Count a malformed state; the log speaks of it at most every 5 s."""
        self.rejected += 1
        self._doubts += 1
        if self._error is None and self.newest is None:  # the first that came: not silent now
            self._since, self._silent = time.monotonic(), False
        self._error, self._rejected_at = error, time.monotonic()
        self._node.get_logger().warning(
            f"joint state rejected ({self.rejected} so far): {error}",
            throttle_duration_sec=_LOG_EVERY,
        )

    def pass_by(self, error: ForeignJointsError) -> None:
        """Take note of a message of another device, which says what it names."""
        if self._foreign is None and self.newest is None:  # the first that came: not silent now
            self._since, self._silent = time.monotonic(), False
        self._foreign = error

    @property
    def intruder(self) -> str:
        """A sentence when another node commands the same arm; empty when none does."""
        if self._node.count_publishers(self._commands) <= 1:
            return ""
        others = publishers_of(self._node, self._commands, but_own=True)
        return (
            f"another node publishes on {self._commands} in ROS domain {_domain()}: {others}; "
            f"{_ONE_COMMANDER}"
        )

    @property
    def crowd(self) -> str:
        """A sentence when one of the topics has a publisher too many now; empty when none has."""
        return self.intruder or self._policies() or self._drivers()

    @property
    def suspicious(self) -> bool:
        """Whether `crowd` is worth a question: a second publisher was there at the last look."""
        return self._suspicious or self._driver.contradicted(time.monotonic())

    def values(self) -> dict[str, object]:
        """Return what there is to say on `/diagnostics`."""
        return {
            "joint_states.rejected": self.rejected,
            "commands.publishers": self._node.count_publishers(self._commands),
        }

    def check(self) -> None:
        """Look for silence and for others; cheap enough for ten times a second.

        Raises:
            JointStateError: states come, but never one that fits the robot; in lock-step also
                if none comes any more that can be believed.
            MachineError: another node commands the same arm.
        """
        now = time.monotonic()
        if now - self._checked_at > _LOOK_EVERY:  # we were busy, and could not have heard a state
            self._since = now
        self._checked_at = now
        if now - self._looked_at >= _LOOK_EVERY:
            self._looked_at = now
            self._looks += 1
            intruder = self.intruder
            self._crowded = self._crowded + 1 if intruder else 0
            if self._crowded and (self._looks <= _NEWCOMER or self._crowded >= _INTRUSION):
                raise MachineError(intruder)
            self._suspicious = bool(intruder or self._policies())
        if now - self._since < self._timeout or self._silent:
            return
        count = self._node.count_publishers(self._states)
        if self.newest is None and count == 1:  # nothing else can come
            self._error = self._error or self._foreign
        if self.newest is None and self._error is not None:
            names = isinstance(self._error, JointNamesError)
            advice = " Set robot.urdf and robot.joints to the arm that publishes them."
            raise JointStateError(
                f"no state on {self._states} fits the robot: {self._error}.{advice * names}"
            )
        if self._doubts >= _DOUBTS and not self._realtime:
            raise JointStateError(
                f"no state on {self._states} could be believed for {self._timeout:g} s: "
                f"{self._error}. In lock-step time stands until one can; mend what publishes them."
            )
        self._silent = True
        publishers = f"{count} publisher(s), which are silent" if count else "nobody publishes it"
        if now - self._rejected_at < self._timeout:
            publishers = f"{self.rejected} were rejected, the last because of this: {self._error}"
        elif self._foreign is not None:
            publishers = f"those that came are of another device ({self._foreign})"
        self._node.get_logger().warning(
            f"no joint state on {self._states} for {self._timeout:g} s: {publishers}. Waiting; "
            f"start the simulator or the robot's driver in ROS domain {_domain()}."
        )

    def _policies(self) -> str:
        if not self._wanted or self._node.count_publishers(self._wanted) <= 1:
            return ""
        return (
            f"more than one node publishes on {self._wanted} in ROS domain {_domain()}: "
            f"{publishers_of(self._node, self._wanted)}; the torques of one policy are passed on: "
            "stop the others, or remap joint_command to a topic that one alone publishes."
        )

    def _drivers(self) -> str:
        if not self._driver.contradicted(time.monotonic()):
            return ""
        if self._node.count_publishers(self._states) <= 1:  # the other one has left
            self._driver.forget()
            return ""
        return (
            f"more than one node publishes states of our joints on {self._states} in ROS domain "
            f"{_domain()}, among {publishers_of(self._node, self._states)}; one arm has one "
            "driver: stop the other, or give it a topic or a namespace of its own."
        )


def _domain() -> str:
    return os.environ.get("ROS_DOMAIN_ID", "0")
