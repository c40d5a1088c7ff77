"""What is recorded: messages as the bytes that DDS carried, and the topics that they came on."""

from typing import NamedTuple


class Topic(NamedTuple):
    """A topic of a recording, as rosbag2 describes one."""

    name: str  # whole, as `/joint_states`
    type: str  # `sensor_msgs/msg/JointState`
    definition: str  # of the type, as `ros2msg`
    qos: tuple[dict[str, object], ...] = ()  # what its publishers offer, as rosbag2 writes it
    type_hash: str = ""  # RIHS01; empty if unknown


class Message(NamedTuple):
    """A message of a recording."""

    topic: str  # whole name
    data: bytes  # CDR
    received: int  # [ns] since 1970
    published: int  # [ns] since 1970


def qos_entry(
    reliability: str, durability: str, depth: int, history: str = "keep_last"
) -> dict[str, object]:
    """Return a quality of service as an entry of `offered_qos_profiles`, without deadlines."""
    for_ever = {"sec": 9223372036, "nsec": 854775807}
    return {
        "history": history,
        "depth": depth,
        "reliability": reliability,
        "durability": durability,
        "deadline": dict(for_ever),
        "lifespan": dict(for_ever),
        "liveliness": "automatic",
        "liveliness_lease_duration": dict(for_ever),
        "avoid_ros_namespace_conventions": False,
    }
