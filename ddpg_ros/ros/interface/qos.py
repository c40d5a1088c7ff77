"""Incompatible quality of service: rclpy delivers nothing then; here it is said as an error."""

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import qos_policy_name_from_kind


def log_incompatible_qos(node: Node) -> SubscriptionEventCallbacks:
    """Return callbacks for a subscription whose publisher offers less than it asks for."""
    sentence = (
        "a publisher of joint states offers another {} than this node asks for, and nothing of it "
        "arrives; publish them reliable and volatile, or with the QoS of sensor data where "
        "run.clock is realtime."
    )
    return SubscriptionEventCallbacks(incompatible_qos=_complaint(node, sentence))


def log_lost_subscribers(node: Node) -> PublisherEventCallbacks:
    """Return callbacks for a publisher of torques that a subscriber cannot hear."""
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
