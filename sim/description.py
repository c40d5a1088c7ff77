"""Rewrites an arm's URDF, so that PyBullet simulates the same arm as `Robot` describes.

PyBullet assumes 1 kg for a link without `<inertial>`, lets a joint without a motor swing freely,
and refuses a file with a missing mesh. In the rewritten file

* every link has an `<inertial>` along its principal axes, with mass 0 if the URDF has none; that
  of the base, which does not move, is along its link's axes;
* the joints that the robot holds are fixed at their positions;
* meshes have absolute paths; a mesh that cannot be read, or a shape that cannot be, is left out
  and noted;
* an arm without visuals has sticks from joint to joint;
* there are collision shapes only if the arm's links are to keep apart.
"""

import copy
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

from ddpg_ros.errors import RobotError, few_of
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import read_damping
from ddpg_ros.robot.inertia import Inertia, read_inertia, rpy_of
from ddpg_ros.robot.kinematics import Joint, Pose
from sim.shapes import Flaw, prepare
from sim.sticks import add_sticks

_SHAPES = (("visual", "is drawn without"), ("collision", "touches nothing with"))


class Description(NamedTuple):
    """An arm as PyBullet loads it."""

    root: ElementTree.Element  # the rewritten URDF
    inertias: dict[str, Inertia]  # by link
    damping: dict[str, float]  # by commanded joint [N·m·s/rad]
    notes: list[str]  # sentences on the shapes that are left out


def describe(robot: Robot, collisions: bool = False) -> Description:
    """Rewrite the URDF of a robot.

    Args:
        robot: the arm.
        collisions: whether the collision shapes stay.

    Raises:
        RobotError: a link is missing, comes twice or has no joint; or an inertia or a damping is
            invalid.
    """
    path = robot.urdf_path
    source = robot.root()
    links = {link.get("name", ""): link for link in source.findall("link")}
    _require_links(robot, [link.get("name", "") for link in source.findall("link")])
    root = ElementTree.Element("robot", name=robot.name)
    root.extend(source.findall("material"))
    lacking: dict[tuple[str, str], list[tuple[str, Flaw]]] = {}
    moving = _moving_links(robot)
    above = {joint.child for joint in robot.tree}
    inertias: dict[str, Inertia] = {}
    for name, link in links.items():
        inertias[name] = read_inertia(link, name in moving, path)
        element = ElementTree.SubElement(root, "link", name=name)
        _add_inertial(element, link if name in above else None, inertias[name])
        for kind, without in _SHAPES[: 1 + collisions]:
            for shape in link.findall(kind):
                kept = copy.deepcopy(shape)
                flaw = prepare(kept, path.parent)
                if flaw is None:
                    element.append(kept)
                else:
                    lacking.setdefault((without, flaw.home), []).append((name, flaw))
    elements = {element.get("name", ""): element for element in source.findall("joint")}
    for joint in robot.tree:
        _add_joint(root, joint, elements[joint.name], robot)
    damping = dict(zip(robot.joints, read_damping(robot).tolist(), strict=True))
    notes = [_note(path, without, those) for (without, _), those in lacking.items()]
    drawn = [link for link in root.findall("link") if link.find("visual") is not None]
    if not any(link.get("name") in moving for link in drawn):
        add_sticks(root, robot)
        notes.append(f"{path} has no visuals that can be drawn; its joints are drawn as sticks.")
    return Description(root, inertias, damping, notes)


def _moving_links(robot: Robot) -> set[str]:
    """Return the links that a commanded joint moves."""
    on = {joint.child: joint for joint in robot.tree}
    moving = set()
    for link in on:
        end = link
        while end in on:
            if on[end].name in robot.joints:
                moving.add(link)
            end = on[end].parent
    return moving


def _require_links(robot: Robot, names: list[str]) -> None:
    joined = {end for joint in robot.tree for end in (joint.parent, joint.child)}
    problems = {
        "are named by joints and are not there": [name for name in joined if name not in names],
        "are there twice": [name for name in names if names.count(name) > 1],
        "are joined to nothing": [name for name in names if name not in joined],
    }
    for problem, those in problems.items():
        if those:
            listed = few_of(sorted(set(those)))
            raise RobotError(
                f"{robot.urdf_path}: these links {problem}: {listed}; expected one tree of links."
            )


def _add_inertial(
    element: ElementTree.Element, link: ElementTree.Element | None, own: Inertia
) -> None:
    """Add an inertial; `link` is None for the base, which cannot move.

    PyBullet's inverse dynamics pulls along the axes of the base's inertial frame, so that a base
    with another frame than its link's would tilt gravity.
    """
    given = link.find("inertial") if link is not None else None
    inertial = ElementTree.SubElement(element, "inertial")
    diagonal = given is not None and not any(
        float(tag.get(key, "0"))
        for tag in given.findall("inertia")
        for key in ("ixy", "ixz", "iyz")
    )
    origin = given.find("origin") if given is not None and diagonal else None
    if origin is not None:
        inertial.append(origin)  # the original text has no rounding error
    elif given is not None:
        inertial.append(_origin(own.frame))
    ElementTree.SubElement(inertial, "mass", value=repr(own.mass))
    moments = dict(zip(("ixx", "iyy", "izz"), map(repr, own.moments.tolist()), strict=True))
    ElementTree.SubElement(inertial, "inertia", moments, ixy="0", ixz="0", iyz="0")


def _add_joint(
    root: ElementTree.Element, joint: Joint, given: ElementTree.Element, robot: Robot
) -> None:
    moves = joint.name in robot.joints
    kind = joint.kind if moves else "fixed"
    element = ElementTree.SubElement(root, "joint", name=joint.name, type=kind)
    ElementTree.SubElement(element, "parent", link=joint.parent)
    ElementTree.SubElement(element, "child", link=joint.child)
    position = robot.held.get(joint.name, 0.0)
    origin = given.find("origin")
    if position:
        element.append(_origin(joint.at(position)))
    elif origin is not None:
        element.append(origin)
    if moves:
        ElementTree.SubElement(element, "axis", xyz=_numbers(joint.axis.tolist()))
        element.extend(given.findall("limit"))
        element.extend(given.findall("dynamics"))


def _origin(pose: Pose) -> ElementTree.Element:
    place = {"xyz": _numbers(pose[:3, 3].tolist()), "rpy": _numbers(rpy_of(pose))}
    return ElementTree.Element("origin", place)


def _numbers(values: "list[float] | tuple[float, ...]") -> str:
    return " ".join(map(repr, values))


def _note(path: Path, without: str, those: list[tuple[str, Flaw]]) -> str:
    """Return one sentence for the links that lack a mesh from the same place, or a shape."""
    link, flaw = those[0]
    others = [name for name in dict.fromkeys(name for name, _ in those) if name != link]
    more = f"; the same of {few_of(others)}" if others else ""
    return f"{path}: link '{link}' {without} {flaw.what}: {flaw.problem}{more}."
