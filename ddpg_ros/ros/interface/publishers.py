"""The names of the nodes that publish on a topic, and a lock to be the only one of this host."""

import socket

from rclpy.node import Node

from ddpg_ros.files.host_lock import take_host_lock

UNKNOWN = "_NODE_NAME_UNKNOWN_"
"""rclpy's name of a node until the node's own announcement has come."""


def publishers_of(node: Node, topic: str, but_own: bool = False) -> str:
    """Return the names of the nodes that publish on a topic: `/driver and /bag`.

    A node is named once for each of its publishers.

    Args:
        node: whose graph to look at; it takes about 0.1 ms.
        topic: the full name.
        but_own: leave out one publisher of the node itself.
    """
    names = sorted(
        "a node without a name yet"
        if info.node_name == UNKNOWN
        else f"{info.node_namespace.rstrip('/')}/{info.node_name}"
        for info in node.get_publishers_info_by_topic(topic)
    )
    own = node.get_fully_qualified_name()
    if but_own and own in names:
        names.remove(own)
    return " and ".join(names)


def sole_publisher(node: Node, topic: str, advice: str) -> socket.socket:
    """Be the only node of this host that publishes on a topic, until the socket is closed.

    Args:
        node: in whose ROS domain.
        topic: the full name.
        advice: what to do when another one is.

    Raises:
        MachineError: another node is.
    """
    domain = node.context.get_domain_id()
    return take_host_lock(
        f"{domain}{topic}",
        f"another node publishes on {topic} in ROS domain {domain}: {{holder}}; {advice}",
    )
