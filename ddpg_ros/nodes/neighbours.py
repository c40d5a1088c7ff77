"""Which nodes publish on a topic, by name."""

from rclpy.node import Node

_UNKNOWN = "_NODE_NAME_UNKNOWN_"  # rclpy's, until the node's own announcement has come


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
        if info.node_name == _UNKNOWN
        else f"{info.node_namespace.rstrip('/')}/{info.node_name}"
        for info in node.get_publishers_info_by_topic(topic)
    )
    own = node.get_fully_qualified_name()
    if but_own and own in names:
        names.remove(own)
    return " and ".join(names)
