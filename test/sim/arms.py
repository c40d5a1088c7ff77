"""Random arms as URDF text, their sizes, and what pinocchio makes of the same file."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pinocchio as pin
from hypothesis import strategies as st

from ddpg_ros.robot.arm import Robot


def triple(values):
    return " ".join(repr(float(value)) for value in values)


def inertial(rng, scale=1.0):
    """Return the <inertial> of a few points in space: of a body that can be."""
    points, weights = rng.normal(0.0, 0.1, (5, 3)), rng.uniform(0.05, 1.0, 5) * scale
    points -= weights @ points / weights.sum()
    tensor = np.zeros((3, 3))
    for weight, point in zip(weights, points, strict=True):
        tensor += weight * (point @ point * np.eye(3) - np.outer(point, point))
    moments = " ".join(
        f'i{"xyz"[i]}{"xyz"[j]}="{float(tensor[i, j])!r}"' for i in range(3) for j in range(i, 3)
    )
    return (
        f'<inertial><origin xyz="{triple(rng.normal(0, 0.1, 3))}" '
        f'rpy="{triple(rng.uniform(-3, 3, 3))}"/><mass value="{float(weights.sum())!r}"/>'
        f"<inertia {moments}/></inertial>"
    )


@st.composite
def arms(draw):
    """Return the URDF of a tree with 1 to 4 joints that turn, frames and loose joints between."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    turning = draw(st.integers(1, 4))
    kinds = ["revolute"] * turning
    for extra in draw(
        st.lists(st.sampled_from(["fixed", "prismatic", "held", "mimic"]), max_size=4)
    ):
        kinds.insert(draw(st.integers(0, len(kinds))), extra)
    links, joints, last, leader = ['<link name="base"/>'], [], "base", ""
    commanded = []
    for number, kind in enumerate(kinds):
        name, link = f"joint{number}", f"link{number}"
        frame = kind != "revolute" and draw(st.booleans())
        links.append(f'<link name="{link}">{"" if frame else inertial(rng)}</link>')
        low, high = sorted(rng.uniform(-2.0, 2.0, 2).tolist())
        inside = f'<limit lower="{low!r}" upper="{high!r}" effort="50" velocity="50"/>'
        if kind == "revolute":
            inside = '<limit lower="-3" upper="3" effort="50" velocity="50"/>'
            commanded.append(name)
        if kind == "mimic":
            inside += f'<mimic joint="{leader}" multiplier="-0.5" offset="0.2"/>' if leader else ""
        urdf_kind = {"held": "revolute", "mimic": "revolute"}.get(kind, kind)
        joints.append(
            f'<joint name="{name}" type="{urdf_kind}"><parent link="{last}"/>'
            f'<child link="{link}"/><origin xyz="{triple(rng.normal(0, 0.3, 3))}" '
            f'rpy="{triple(rng.uniform(-3, 3, 3))}"/><axis xyz="{triple(rng.normal(0, 1, 3))}"/>'
            f"{inside if urdf_kind != 'fixed' else ''}</joint>"
        )
        leader = name if kind in ("held", "prismatic") else leader
        last = link if draw(st.integers(0, 3)) else last  # now and then a side branch
    links.append(f'<link name="end">{inertial(rng, 0.1)}</link>')
    joints.append(
        f'<joint name="last" type="fixed"><parent link="link{len(kinds) - 1}"/>'
        f'<child link="end"/><origin xyz="{triple(rng.normal(0, 0.2, 3))}"/></joint>'
    )
    return f'<robot name="random">{"".join(links + joints)}</robot>', commanded


_JOINT = "joint of the file: "


class Reference:
    """Pinocchio's model of the file of a robot, the joints that it holds locked."""

    def __init__(self, robot: Robot) -> None:
        root = robot.root()
        for joint in root.findall("joint"):  # urdfdom takes none without all of its attributes
            for tag in joint.findall("safety_controller"):
                joint.remove(tag)
            for tag in (joint, *joint.findall("mimic")):  # some links are called as their joints
                key = "name" if tag is joint else "joint"
                tag.set(key, _JOINT + tag.get(key, ""))
        model = pin.buildModelFromXML(ElementTree.tostring(root, encoding="unicode"))
        self._names = [_JOINT + name for name in robot.joints]
        held = {_JOINT + name: position for name, position in robot.held.items()}
        locked = [n for n in range(1, model.njoints) if model.names[n] not in self._names]
        self.model = pin.buildReducedModel(model, locked, self._places(model, held))
        self._data = self.model.createData()
        self._order = [self.model.joints[self.model.getJointId(n)].idx_v for n in self._names]

    @staticmethod
    def _places(model, positions):
        q = pin.neutral(model)
        for name, position in positions.items():
            if not model.existJointName(name):
                continue
            joint = model.joints[model.getJointId(name)]
            wrapped = [math.cos(position), math.sin(position)]
            q[joint.idx_q : joint.idx_q + joint.nq] = wrapped if joint.nq == 2 else [position]
        return q

    def _q(self, position):
        return self._places(self.model, dict(zip(self._names, position, strict=True)))

    @property
    def moving_mass(self) -> float:
        return sum(inertia.mass for inertia in list(self.model.inertias)[1:])

    def mass_matrix(self, position):
        matrix = pin.crba(self.model, self._data, self._q(position))
        matrix = np.triu(matrix) + np.triu(matrix, 1).T
        return matrix[np.ix_(self._order, self._order)]

    def bias(self, position, velocity):
        v = np.zeros(len(velocity))
        v[self._order] = velocity
        return pin.nonLinearEffects(self.model, self._data, self._q(position), v)[self._order]

    def acceleration(self, position, velocity, torque):
        v, tau = np.zeros(len(velocity)), np.zeros(len(velocity))
        v[self._order], tau[self._order] = velocity, torque
        return pin.aba(self.model, self._data, self._q(position), v, tau)[self._order]


def write(folder: Path, urdf: str) -> Path:
    """Write an arm to a file of its own: PyBullet remembers a file by its name."""
    file = folder / f"arm_{len(list(folder.iterdir()))}.urdf"
    file.write_text(urdf)
    return file
