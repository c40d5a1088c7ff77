"""What `config/ddpg_ros.rviz` and `config/foxglove.json` ask of the nodes."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_CONFIG = Path(__file__).parents[1] / "config"
_SENT = "geometry_msgs/msg/PointStamped"
_SHOWN = {
    "rviz_default_plugins/RobotModel": "std_msgs/msg/String",
    "rviz_default_plugins/Marker": "visualization_msgs/msg/Marker",
}
_NEEDS_NO_TOPIC = {"rviz_default_plugins/Grid", "rviz_default_plugins/TF"}


class Asked(NamedTuple):
    """A topic that a viewer reads, or writes a clicked goal to."""

    topic: str  # relative
    type: str
    latched: bool
    writes: bool


def of_rviz() -> list[Asked]:
    manager = yaml.safe_load((_CONFIG / "ddpg_ros.rviz").read_text())["Visualization Manager"]
    asked = []
    for display in manager["Displays"]:
        if display["Class"] in _NEEDS_NO_TOPIC:
            continue
        topic = display.get("Topic") or display["Description Topic"]
        asked.append(_asked(topic, _SHOWN[display["Class"]], writes=False))
    (tool,) = [t for t in manager["Tools"] if t["Class"].endswith("/PublishPoint")]
    return [*asked, _asked(tool["Topic"], _SENT, writes=True)]


def of_foxglove() -> list[Asked]:
    panel = json.loads((_CONFIG / "foxglove.json").read_text())["configById"]["3D!arm"]
    arm, click = panel["layers"]["arm"], panel["publish"]
    assert click["type"] == "point"
    read = {
        arm["topic"]: "std_msgs/msg/String",
        arm["jointStatesTopic"]: "sensor_msgs/msg/JointState",
        **{topic: "visualization_msgs/msg/Marker" for topic in panel["topics"] if "_" in topic},
    }
    shown = [Asked(topic.strip("/"), kind, False, False) for topic, kind in read.items()]
    return [*shown, Asked(click["pointTopic"].strip("/"), _SENT, False, True)]


def _asked(topic: dict[str, Any], kind: str, writes: bool) -> Asked:
    assert topic["Reliability Policy"] == "Reliable"
    return Asked(topic["Value"], kind, topic["Durability Policy"] == "Transient Local", writes)
