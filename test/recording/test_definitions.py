"""The definitions in a recording describe the types exactly, as another library's own do."""

import pytest

pytest.importorskip("rclpy")

from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from ddpg_ros.recording.definitions import definition_of
from ddpg_ros.ros.nodes import recorder

TYPES = [
    "sensor_msgs/msg/JointState",
    "geometry_msgs/msg/PointStamped",
    "geometry_msgs/msg/PoseStamped",
    "std_msgs/msg/Float64MultiArray",
    "std_msgs/msg/String",
    "diagnostic_msgs/msg/DiagnosticArray",
    "rosgraph_msgs/msg/Clock",
    "sensor_msgs/msg/Imu",  # arrays of a fixed length
]


@pytest.mark.parametrize("name", TYPES)
def test_the_type_hash_of_a_definition_is_that_of_jazzy(name):
    ours, theirs = get_typestore(Stores.EMPTY), get_typestore(Stores.ROS2_JAZZY)
    ours.register(get_types_from_msg(definition_of(name), name))
    assert ours.hash_rihs01(name) == theirs.hash_rihs01(name)


def test_what_is_recorded_has_the_topics_of_the_interface():
    for name in ("joint_states", "joint_command", "guarded_command", "goal", "/diagnostics"):
        assert name in recorder.TOPICS
