"""Joint states that do not come, or are of no use: what is logged, and when a node gives up."""

import math
import time

from rclpy.node import Node

from ddpg_ros.errors import ForeignJointsError, JointNamesError, JointStateError
from ddpg_ros.ros.interface.conflicts import domain

_LATE = 1.0  # [s] between two checks: the node was busy and took no states meanwhile
_DOUBTS = 3  # malformed states in a row that end a run in which time stands
_LOG_EVERY = 5.0  # [s] the same complaint


class TopicMonitor:
    """Counts and logs; raises if going on makes no sense."""

    def __init__(self, node: Node, states: str, timeout: float, realtime: bool) -> None:
        """Watch the joint states.

        Args:
            node: whose logger and graph to use.
            states: topic of the joint states.
            timeout: silence to report [s].
            realtime: time goes on without our answers; not so in lock-step.
        """
        self._node = node
        self._states = node.resolve_topic_name(states)
        self._timeout = timeout
        self._realtime = realtime
        self._since = self._checked_at = time.monotonic()
        self._silent = False
        self._doubts = 0
        self._error: JointStateError | None = None
        self._rejected_at = -math.inf
        self._foreign: ForeignJointsError | None = None  # the newest, and no state of ours since
        self._repeated_at = -math.inf
        self._any = False  # valid states so far
        self.rejected = 0
        """Malformed states."""

    def record_state(self, now: float) -> None:
        """Record a valid state that came at `now` [s], monotonic."""
        self._since, self._any, self._foreign = now, True, None
        self._doubts = 0
        if self._silent:
            self._silent = False
            self._node.get_logger().info(f"joint states arrive on {self._states} again")

    def record_repeated(self, now: float) -> None:
        """Record that the last state came again at `now` [s], monotonic; it can be believed."""
        self._doubts, self._repeated_at = 0, now

    def record_rejected(self, error: JointStateError) -> None:
        """Count a malformed state; the log speaks of it at most every 5 s."""
        self.rejected += 1
        self._doubts += 1
        if self._error is None:
            self._record_sign_of_life()
        self._error, self._rejected_at = error, time.monotonic()
        self._node.get_logger().warning(
            f"joint state rejected ({self.rejected} so far): {error}",
            throttle_duration_sec=_LOG_EVERY,
        )

    def record_foreign(self, error: ForeignJointsError) -> None:
        """Record a message of another device; the error says which joints it names."""
        if self._foreign is None:
            self._record_sign_of_life()
        self._foreign = error

    def _record_sign_of_life(self) -> None:
        """Begin to wait anew: the first message of a kind has come, and no state before it."""
        if not self._any:
            self._since, self._silent = time.monotonic(), False

    def values(self) -> dict[str, object]:
        """Return the values for `/diagnostics`."""
        return {"joint_states.rejected": self.rejected}

    def check(self) -> None:
        """Look for silence; cheap enough for ten times a second.

        Raises:
            JointStateError: states come, but never one that fits the robot; in lock-step also
                if none comes any more that can be believed.
        """
        now = time.monotonic()
        if now - self._checked_at > _LATE:
            self._since = now
        self._checked_at = now
        if self._silent or now - self._since < self._timeout:
            return
        publishers = self._node.count_publishers(self._states)
        self._give_up(publishers)
        self._silent = True
        self._node.get_logger().warning(
            f"no new joint state on {self._states} for {self._timeout:g} s: "
            f"{self._why(publishers, now)}."
        )

    def _give_up(self, publishers: int) -> None:
        """Raise if nothing better can come."""
        if not self._any and publishers == 1:
            self._error = self._error or self._foreign
        if not self._any and self._error is not None:
            names = isinstance(self._error, JointNamesError)
            advice = " Set robot.urdf and robot.joints to the arm that publishes them."
            raise JointStateError(
                f"no state on {self._states} fits the robot: {self._error}.{advice * names}"
            )
        if self._doubts >= _DOUBTS and not self._realtime:
            raise JointStateError(
                f"no state on {self._states} could be believed for {self._timeout:g} s: "
                f"{self._error}. In lock-step time stands until one can; fix what publishes them."
            )

    def _why(self, publishers: int, now: float) -> str:
        if now - self._repeated_at < self._timeout:
            answer = (
                "have its publisher stamp each state with the time at which it was measured"
                if self._realtime
                else "its publisher waits for an answer, which needs an active node, a learner "
                "that is ready, an arm that is placed, and torques that reach it"
            )
            return f"the last one comes again and again, under the same stamp; {answer}"
        start = f"Waiting; start the simulator or the robot's driver in ROS domain {domain()}"
        return f"{self._absence(publishers, now)}. {start}"

    def _absence(self, publishers: int, now: float) -> str:
        if now - self._rejected_at < self._timeout:
            return f"{self.rejected} were rejected, the last because of this: {self._error}"
        if self._foreign is not None:
            return f"those that came are of another device ({self._foreign})"
        if publishers:
            return f"{publishers} publisher(s), which are silent"
        return "nobody publishes it"
