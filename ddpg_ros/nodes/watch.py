"""Watches the topics of a node: silence, malformed joint states, a second commander."""

import math
import os
import time

from rclpy.node import Node

from ddpg_ros.errors import (
    ForeignJointsError,
    JointNamesError,
    JointStateError,
    MachineError,
)
from ddpg_ros.types import JointState

_LOOK_EVERY = 1.0  # [s] at the graph
_NEWCOMER = 3  # looks, in which another commander makes us the newcomer, who leaves at once
_INTRUSION = 5  # looks in a row, after which another one that stays makes us leave
_DOUBTS = 3  # malformed states in a row that end a run in which time stands
_LOG_EVERY = 5.0  # [s] the same complaint


class TopicWatch:
    """Counts and complains; raises where going on makes no sense."""

    def __init__(
        self, node: Node, states: str, commands: str, timeout: float, realtime: bool
    ) -> None:
        """Watch the topic `states`, which we read, and `commands`, which we alone write.

        Args:
            node: whose logger and graph to use.
            states: topic of the joint states.
            commands: topic of the joint commands.
            timeout: silence to speak of [s].
            realtime: time goes on without our answers; not so in lock-step.
        """
        self._node = node
        self._states = node.resolve_topic_name(states)
        self._commands = node.resolve_topic_name(commands)
        self._timeout = timeout
        self._realtime = realtime
        self._since = self._looked_at = self._checked_at = time.monotonic()
        self._silent = False
        self._looks = self._crowded = self._doubts = 0
        self._error: JointStateError | None = None
        self._rejected_at = -math.inf
        self._foreign: ForeignJointsError | None = None  # the newest, and no state of ours since
        self.newest: JointState | None = None
        """The newest valid state."""
        self.rejected = 0
        """Malformed states."""

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
        self._foreign = error

    @property
    def intruder(self) -> str:
        """A sentence where somebody else commands the same arm; empty where nobody does."""
        if self._node.count_publishers(self._commands) <= 1:
            return ""
        return (
            f"another node publishes on {self._commands} in ROS domain {_domain()}; one arm takes "
            "one commander: stop the other, or give this one a ROS_DOMAIN_ID or a namespace of "
            "its own."
        )

    @property
    def crowded(self) -> bool:
        """Whether somebody else commanded the arm at the last look."""
        return self._crowded > 0

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
            MachineError: somebody else commands the same arm.
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


def _domain() -> str:
    return os.environ.get("ROS_DOMAIN_ID", "0")
