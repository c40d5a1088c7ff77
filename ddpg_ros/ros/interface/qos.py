"""The quality of service of the topics, and an error in the log if a partner's does not fit.

If it does not, DDS delivers nothing, and rclpy logs nothing.
"""

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)

_SHARED = 16  # states that wait: other devices' on the same topic push none of the arm's out
STATES = QoSProfile(depth=_SHARED, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Joint states in real time: if one is lost, the next one replaces it."""
STATES_LOCKSTEP = QoSProfile(depth=_SHARED)
"""Joint states in lock-step: none is lost."""
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Commands of another process, of which only the newest counts."""
RELIABLE = QoSProfile(depth=1)
"""Commands and results that we publish."""
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Goals and their marks, which late subscribers receive too."""


def log_incompatible_qos(node: Node) -> SubscriptionEventCallbacks:
    """Return callbacks for a subscription whose publisher offers less than it asks for."""
    sentence = (
        "a publisher of joint states offers another {} than this node asks for, and nothing of it "
        "arrives; publish them reliable and volatile, or with the QoS of sensor data where "
        "run.clock is realtime."
    )
    return SubscriptionEventCallbacks(incompatible_qos=_complaint(node, sentence))


def keep_quiet() -> SubscriptionEventCallbacks:
    """Return callbacks for a subscription that need not fit every publisher."""
    return SubscriptionEventCallbacks(use_default_callbacks=False)


def log_lost_subscribers(node: Node) -> PublisherEventCallbacks:
    """Return callbacks for a publisher of torques that offers less than a subscriber asks for."""
    sentence = (
        "a subscriber of the torques asks for another {} than this node offers, and hears "
        "nothing; subscribe reliable or best effort, and volatile."
    )
    return PublisherEventCallbacks(incompatible_qos=_complaint(node, sentence))


def _complaint(node: Node, sentence: str) -> Callable[[Any], None]:
    def complain(event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind)
        node.get_logger().error(sentence.format(policy))

    return complain
