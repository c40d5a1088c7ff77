"""The URDF as others get it, on the topic `robot_description` and for robot_state_publisher."""

import os
import xml.etree.ElementTree as ElementTree

from ddpg_ros.robot.arm import Robot
from sim.meshes import locate


def shareable(robot: Robot) -> str:
    """Return the text of a robot's URDF, in which a reader elsewhere finds the meshes.

    A mesh that was found has the absolute URI of its file, whatever path or package the URDF
    gives; one that is not there keeps its name. If there is nothing to replace, the text is the
    file's.
    """
    text = robot.source.decode("utf-8", errors="replace")
    root = ElementTree.fromstring(robot.source)
    changed = False
    for mesh in root.iter("mesh"):
        found = locate(mesh.get("filename", ""), robot.urdf_path.parent)
        if found is not None:
            mesh.set("filename", f"file://{os.path.abspath(found)}")
            changed = True
    return ElementTree.tostring(root, encoding="unicode") if changed else text


def base_link(robot: Robot) -> str:
    """Return the link that no joint moves, in whose frame the goals are."""
    parents, children = ({getattr(j, end) for j in robot.tree} for end in ("parent", "child"))
    return str(next(iter(sorted(parents - children)), robot.tip))
