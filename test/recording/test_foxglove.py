"""The Foxglove layout shows what is recorded: its topics, fields and panels exist."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from ddpg_ros.recording.definitions import message_class
from ddpg_ros.ros.nodes.recorder import TOPICS

FILE = Path(__file__).parents[2] / "config" / "foxglove.json"
LAYOUT = json.loads(FILE.read_text(encoding="utf-8"))
FIELDS = message_class("sensor_msgs/msg/JointState").get_fields_and_field_types()


def panels(layout):
    """The panels that a layout places, from its tree."""
    if isinstance(layout, str):
        return {layout}
    return panels(layout["first"]) | panels(layout["second"])


def test_every_panel_has_a_place_and_every_place_a_panel():
    assert panels(LAYOUT["layout"]) == set(LAYOUT["configById"])


def test_every_plotted_number_is_one_of_a_recorded_topic():
    plots = [panel for name, panel in LAYOUT["configById"].items() if name.startswith("Plot!")]
    values = [path["value"] for plot in plots for path in plot["paths"]]
    assert len(values) > 4
    for value in values:
        topic, field = re.fullmatch(r"/([\w/]+)\.(\w+)\[\d\]", value).groups()
        assert topic in TOPICS
        assert field in FIELDS


def test_the_arm_is_drawn_by_the_recorded_description_and_states():
    arm = LAYOUT["configById"]["3D!arm"]["layers"]["arm"]
    assert (arm["topic"], arm["jointStatesTopic"]) == ("/robot_description", "/joint_states")
    for topic in (arm["topic"], arm["jointStatesTopic"]):
        assert topic.removeprefix("/") in TOPICS
