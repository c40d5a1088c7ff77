"""Joint states in: bytes from the topic to the newest state of our joints that can be believed."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sensor_msgs.msg import JointState as JointStateMessage

from ddpg_ros.errors import DisplacedError, ForeignJointsError, JointStateError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.units import units_of
from ddpg_ros.ros.interface.conflicts import Conflicts
from ddpg_ros.ros.interface.messages import JointMap
from ddpg_ros.ros.interface.qos import STATES, STATES_LOCKSTEP, log_incompatible_qos
from ddpg_ros.ros.interface.topic_monitor import TopicMonitor
from ddpg_ros.ros.runtime.executor import take_rest
from ddpg_ros.ros.runtime.node import MainNode
from ddpg_ros.safety.admission import Admission, Arrival
from ddpg_ros.safety.state_machine import Mode, Safety
from ddpg_ros.types import JointState

TOPIC = "joint_states"

Use = Callable[[JointState, Arrival, float], None]
"""Takes a state, what to make of it, and when it came [s], monotonic."""


class JointStateInput:
    """Subscribes to the joint states; rejects, counts and reports those of no use."""

    def __init__(
        self,
        node: MainNode,
        robot: Robot,
        safety: Safety,
        topics: TopicMonitor,
        conflicts: Conflicts,
        realtime: bool,
        use: Use,
    ) -> None:
        """Open the topic.

        Args:
            node: subscribes.
            robot: whose joints are looked for.
            safety: hears of unusable states.
            topics: counts and logs what comes.
            conflicts: gets the sequence numbers, which a second driver contradicts.
            realtime: time goes on without our answers; not so in lock-step.
            use: gets each state that is new or comes again.
        """
        self._node = node
        self._safety = safety
        self._topics = topics
        self._conflicts = conflicts
        self._realtime = realtime
        self._use = use
        self._joints = JointMap(robot.joints)
        self._admission = Admission(
            robot.joints, robot.velocity_limit, robot.lower, realtime, units_of(robot.kinds)
        )
        self.subscription = node.create_subscription(
            JointStateMessage,
            TOPIC,
            self.on_message,
            STATES if realtime else STATES_LOCKSTEP,
            raw=True,
            event_callbacks=log_incompatible_qos(node),
        )

    @property
    def out_of_time(self) -> int:
        """States dropped for their stamp."""
        return self._admission.out_of_time

    def expect_jump(self) -> None:
        """Believe any position next: the arm is being placed."""
        self._admission.forget()

    def on_message(self, message: bytes, info: dict[str, Any]) -> None:
        """Take the newest state of all that have come, of which `message` is the oldest."""
        now = time.monotonic()
        try:
            state, info = self._newest(message, info)
            self._conflicts.record_number(info["publication_sequence_number"])
            arrival = self._admission.look(state, now)
        except ForeignJointsError as error:
            self._topics.record_foreign(error)
        except JointStateError as error:
            self._reject(error)
        else:
            if arrival is not Arrival.OUT_OF_TIME:
                self._use(state, arrival, now)

    def _newest(self, message: bytes, info: dict[str, Any]) -> tuple[JointState, dict[str, Any]]:
        for later, about in reversed(take_rest(self.subscription)):
            with suppress(ForeignJointsError):
                return self._joints.state(later), about
        return self._joints.state(message), info

    def _reject(self, error: JointStateError) -> None:
        self._topics.record_rejected(error)
        if isinstance(error, DisplacedError):
            self._safety.fault(str(error))
        self._safety.rejected(str(error))
        if not self._realtime and self._safety.mode in (Mode.FAULT, Mode.ESTOP):
            self.expect_jump()  # time stands: it never becomes possible by itself

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_subscription(self.subscription)
