"""Reading a URDF: its joints, their limits and origins. Every error names the file and joint."""

import math
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ddpg_ros.errors import RobotError, nearest, shortened
from ddpg_ros.files.kinds import at_home, is_regular
from ddpg_ros.robot.kinematics import MOTORS, Joint, transform
from ddpg_ros.robot.numbers import read_number, read_place, read_triple
from ddpg_ros.robot.other_formats import why_no_urdf, why_no_xml
from ddpg_ros.types import Vector

ASSETS = Path(__file__).resolve().parents[2] / "sim" / "assets"
"""The folder of the arms that ship with this package: `pendulum.urdf`, `reacher2.urdf`."""

KINDS = (*MOTORS, "fixed", "floating", "planar")
"""The joint types that URDF defines."""

_MOST_JOINTS = 500  # PyBullet takes minutes for more, and ends the process at some number
_LONGEST_NAME = 400  # PyBullet ends the process for 1000 characters
_ONCE = {
    "link": ("inertial", "inertial/origin", "inertial/mass", "inertial/inertia"),
    "joint": (
        *("origin", "parent", "child", "axis", "limit", "mimic", "dynamics"),
        "safety_controller",
    ),
}
"""Elements of which readers of a URDF take the first, so that a second one is silently lost."""

_ANY_AXIS: Vector = np.array([1.0, 0.0, 0.0])  # of the joints whose type has no axis


def find_urdf(urdf: str) -> Path:
    """Return the path of a URDF or xacro.

    Args:
        urdf: a path, the name of an arm that ships with this package, or a path within
            pybullet_data, the models that ship with PyBullet.

    Raises:
        RobotError: no such file.
    """
    models = find_spec("pybullet_data")  # finds the folder without running the module
    folders = models.submodule_search_locations if models else None
    candidates = [at_home(urdf), ASSETS / f"{urdf}.urdf"]
    candidates += [Path(folder) / urdf for folder in folders or ()]
    for candidate in candidates:
        if is_regular(candidate):
            return candidate.resolve()
    known = sorted(arm.stem for arm in ASSETS.glob("*.urdf"))
    raise RobotError(
        f"there is no URDF '{shortened(urdf)}'; robot.urdf takes the path of a file, one of our "
        f"own arms ({', '.join(known)}) or a path within pybullet_data"
        f"{nearest(urdf, known)}"
    )


def read_urdf(source: bytes, path: Path) -> ElementTree.Element:
    """Return the `<robot>` of a URDF.

    Args:
        source: its bytes, see `ddpg_ros/robot/source.py`.
        path: the file, for error messages.

    Raises:
        RobotError: not a URDF, more joints than an arm has, two share a name, a name that cannot
            be told from another, or an element that is there twice.
    """
    try:
        root = ElementTree.fromstring(source)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise RobotError(f"{path} {why_no_xml(source, error)}.") from None
    if other := why_no_urdf(root):
        raise RobotError(f"{path} {other}.")
    if not all(link.get("name") for link in root.findall("link")):
        raise RobotError(f"{path} has a link without a name; name it.")
    parts = [part for tag in ("link", "joint", "joint/*") for part in root.findall(tag)]
    for part in (root, *parts):
        for name in filter(None, map(part.get, ("name", "link", "joint"))):
            if len(name) > _LONGEST_NAME:
                raise RobotError(
                    f"{path}: the {part.tag} '{shortened(name, 40)}' has a name of {len(name)} "
                    f"characters; expected at most {_LONGEST_NAME}."
                )
    for named in (root, *root.findall("link"), *root.findall("joint")):
        name = named.get("name", "")
        if name != name.strip() or not name.isprintable():
            raise RobotError(
                f"{path} has the {named.tag} name {name!r}; expected no spaces at its ends, and "
                "no line breaks or tabs."
            )
        for tag in _ONCE.get(named.tag, ()):
            if len(named.findall(tag)) > 1:
                raise RobotError(
                    f"{path}: the {named.tag} '{name}' has <{tag.rpartition('/')[2]}> twice; "
                    "expected it once. Remove the one that is wrong."
                )
    if len(root.findall("joint")) > _MOST_JOINTS:
        raise RobotError(
            f"{path} has {len(root.findall('joint'))} joints; expected at most {_MOST_JOINTS}. "
            "Leave out what the arm does not need."
        )
    elements: dict[str, ElementTree.Element] = {}
    for element in root.findall("joint"):
        if not element.get("name"):
            raise RobotError(f"{path} has a joint without a name; name it.")
        if elements.setdefault(element.get("name", ""), element) is not element:
            raise RobotError(f"{path} has two joints '{element.get('name')}'; rename one.")
    return root


def read_joint(element: ElementTree.Element, path: Path) -> Joint:
    """Return a joint: its links, origin, axis, position limits and `<mimic>`.

    Raises:
        RobotError: an unknown type, no parent or child, or a value that is not a finite number.
    """
    where = f"{path}: joint '{element.get('name')}'"
    kind = element.get("type", "")
    if kind not in KINDS:
        raise RobotError(
            f"{where} is of type '{kind}'; expected one of {', '.join(KINDS)}"
            f"{nearest(kind.lower(), KINDS)}"
        )
    xyz, rpy = read_place(element, where)
    has_axis = kind in MOTORS
    direction = read_triple(element, "axis", "xyz", "1 0 0", where) if has_axis else _ANY_AXIS
    largest = np.abs(direction).max()
    if largest == 0:
        raise RobotError(f"{where} has the axis 0 0 0; expected a direction.")
    direction = direction / largest  # whose square neither overflows nor vanishes
    bounded = kind in ("revolute", "prismatic")
    mimic = element.find("mimic")
    if mimic is not None and not mimic.get("joint"):
        raise RobotError(f'{where} has no joint in its <mimic>; add joint="…", which it follows.')
    unstated = 0.0 if mimic is None else math.inf  # a joint that mimics needs no limits
    return Joint(
        name=element.get("name", ""),
        kind=kind,
        parent=_link(element, "parent", where),
        child=_link(element, "child", where),
        origin=transform(xyz, rpy),
        axis=direction / np.linalg.norm(direction),
        lower=read_number(element, "limit", "lower", -unstated, where) if bounded else -math.inf,
        upper=read_number(element, "limit", "upper", unstated, where) if bounded else math.inf,
        leader=mimic.get("joint", "") if mimic is not None else "",
        multiplier=read_number(element, "mimic", "multiplier", 1.0, where),
        offset=read_number(element, "mimic", "offset", 0.0, where),
    )


def _link(element: ElementTree.Element, end: str, where: str) -> str:
    tag = element.find(end)
    link = tag.get("link") if tag is not None else None
    if not link:
        raise RobotError(f'{where} has no {end}; add <{end} link="…"/>.')
    return link
