"""Loads an arm into PyBullet such that its masses and motion are those of its URDF.

PyBullet's default                                    this module
----------------------------------------------------  --------------------------------------
linear and angular damping of 0.04 on every link      sets it to 0
a velocity motor that brakes every joint              switches it off
moments of inertia that no rigid body has become 0,   sets the URDF's, which are often rounded
without a warning
one velocity limit for the whole arm, 100 rad/s       sets the largest of the URDF's limits;
                                                      `sim/world.py` clamps the slower joints
"""

import copy
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot
from sim.bullet import pybullet, quiet
from sim.description import Description
from sim.meshes import readable
from sim.sticks import add_sticks


def load(client: int, robot: Robot, description: Description) -> tuple[int, list[int]]:
    """Load an arm on a fixed base; visuals that PyBullet cannot read are left out and noted.

    Args:
        client: PyBullet's client.
        robot: the arm.
        description: its rewritten URDF.

    Returns:
        PyBullet's indices of the body and of the commanded joints, in the robot's order.

    Raises:
        RobotError: PyBullet cannot load the arm.
    """
    p, own = pybullet, {"physicsClientId": client}
    body = _read(client, description)
    if body is None:
        for link in description.root.findall("link"):
            for shape in link.findall("visual") + link.findall("collision"):
                link.remove(shape)
        description.notes.append(
            f"{robot.urdf_path} is without shapes: PyBullet cannot read them. Its joints are "
            "drawn as sticks."
        )
        add_sticks(description.root, robot)
        body = _read(client, description)
    if body is None:
        raise RobotError(f"PyBullet cannot load {robot.urdf_path}; expected a tree of links.")
    count = p.getNumJoints(body, **own)
    infos = [p.getJointInfo(body, index, **own) for index in range(count)]
    by_name = {info[1].decode(): info[0] for info in infos}
    joints = [by_name[name] for name in robot.joints]
    fastest = float(robot.velocity_limit.max())
    for info in infos:
        _set_inertia(client, body, info[0], description.inertias[info[12].decode()].moments)
    for index in range(-1, count):
        p.changeDynamics(body, index, linearDamping=0.0, angularDamping=0.0, **own)
    for index in joints:
        p.changeDynamics(body, index, maxJointVelocity=fastest, **own)
        p.setJointMotorControl2(body, index, p.VELOCITY_CONTROL, force=0.0, **own)
    return body, joints


def _read(client: int, description: Description) -> int | None:
    p = pybullet
    with TemporaryDirectory() as folder:
        file, root = Path(folder) / "arm.urdf", copy.deepcopy(description.root)
        for mesh in root.iter("mesh"):
            mesh.set("filename", str(readable(Path(mesh.get("filename", "")), Path(folder))))
        ElementTree.indent(root)  # PyBullet breaks lines of 8192 characters, within a word
        ElementTree.ElementTree(root).write(file, encoding="utf-8")
        apart = p.URDF_USE_SELF_COLLISION if root.find("link/collision") is not None else 0
        try:
            with quiet():
                return int(
                    p.loadURDF(
                        str(file),
                        useFixedBase=True,
                        flags=p.URDF_USE_INERTIA_FROM_FILE | apart,
                        physicsClientId=client,
                    )
                )
        except p.error:
            return None


def _set_inertia(client: int, body: int, link: int, moments: Any) -> None:
    own = {"physicsClientId": client}
    if not np.array_equal(pybullet.getDynamicsInfo(body, link, **own)[2], moments):
        pybullet.changeDynamics(body, link, localInertiaDiagonal=moments.tolist(), **own)
