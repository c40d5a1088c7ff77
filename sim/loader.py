"""Puts an arm into PyBullet such that it weighs and moves as its file says.

What PyBullet does by itself, and what is done about it:

* it drags every link with a linear and angular damping of 0.04: set to zero;
* it brakes every joint with a velocity motor: switched off;
* it sets to zero, without a word, moments of inertia of which one is larger than the other two
  together, which files that were rounded have: set again;
* it caps joint speed at 100 rad/s, with one number for the whole arm: set to the largest velocity
  limit of the URDF. `sim/world.py` sees to the joints that are slower.
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


def load(client: int, robot: Robot, description: Description) -> tuple[int, list[int]]:
    """Load an arm on a fixed base; visuals that PyBullet cannot read are left out and noted.

    Args:
        client: PyBullet's.
        robot: the arm.
        description: its file as PyBullet is to read it.

    Returns:
        The body, and the commanded joints in the robot's order.

    Raises:
        RobotError: PyBullet cannot read it.
    """
    p, own = pybullet, {"physicsClientId": client}
    body = _read(client, description)
    if body is None:
        for link in description.root.findall("link"):
            for visual in link.findall("visual"):
                link.remove(visual)
        description.notes.append(
            f"{robot.urdf_path} is drawn without shapes: PyBullet cannot read them."
        )
        body = _read(client, description)
    if body is None:
        raise RobotError(f"PyBullet cannot load {robot.urdf_path}; expected a tree of links.")
    count = p.getNumJoints(body, **own)
    infos = [p.getJointInfo(body, index, **own) for index in range(count)]
    by_name = {info[1].decode(): info[0] for info in infos}
    joints = [by_name[name] for name in robot.joints]
    fastest = float(robot.velocity_limit.max())
    for info in infos:
        _weigh(client, body, info[0], description.inertias[info[12].decode()].moments)
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
        ElementTree.ElementTree(root).write(file, encoding="utf-8")
        try:
            with quiet():
                return int(
                    p.loadURDF(
                        str(file),
                        useFixedBase=True,
                        flags=p.URDF_USE_INERTIA_FROM_FILE,
                        physicsClientId=client,
                    )
                )
        except p.error:
            return None


def _weigh(client: int, body: int, link: int, moments: Any) -> None:
    own = {"physicsClientId": client}
    if not np.array_equal(pybullet.getDynamicsInfo(body, link, **own)[2], moments):
        pybullet.changeDynamics(body, link, localInertiaDiagonal=moments.tolist(), **own)
