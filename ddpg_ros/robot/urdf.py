"""Reading a URDF: its joints, their limits and origins. Every error names the file and joint."""

import math
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ddpg_ros.errors import RobotError, nearest, shortened
from ddpg_ros.files.kinds import is_regular
from ddpg_ros.robot.kinematics import MOTORS, Joint, transform
from ddpg_ros.types import Vector

ASSETS = Path(__file__).resolve().parents[2] / "sim" / "assets"
"""The folder of the arms that ship with this package: `pendulum.urdf`, `reacher2.urdf`."""

KINDS = (*MOTORS, "fixed", "floating", "planar")
"""The joint types that URDF defines."""

ASKED_OF = {"effort": "robot.torque_limit", "velocity": "safety.velocity_limit"}
"""The settings that stand in for limits that a URDF lacks."""

_UNITS = {"effort": "N·m", "velocity": "rad/s", "lower": "rad", "upper": "rad"}
_SLIDING = {"effort": "N", "velocity": "m/s", "lower": "m", "upper": "m"}
_ANY_AXIS: Vector = np.array([1.0, 0.0, 0.0])  # of the joints whose type has no axis


class SafetyController(NamedTuple):
    """A joint's `<safety_controller>`; None for what the URDF does not state."""

    soft_lower: float | None = None  # [rad]
    soft_upper: float | None = None  # [rad]
    k_position: float | None = None  # [1/s]
    k_velocity: float | None = None  # [N·m·s/rad]


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
    candidates = [Path(urdf).expanduser(), ASSETS / f"{urdf}.urdf"]
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
        RobotError: not a URDF, or two joints share a name.
    """
    try:
        root = ElementTree.fromstring(source)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise RobotError(f"{path} is not XML ({error}); expected a URDF.") from None
    if root.tag != "robot":
        raise RobotError(f"{path} holds <{root.tag}>; expected a URDF's <robot>.")
    elements: dict[str, ElementTree.Element] = {}
    for element in root.findall("joint"):
        if not element.get("name"):
            raise RobotError(f"{path} has a joint without a name; name it.")
        if elements.setdefault(element.get("name", ""), element) is not element:
            raise RobotError(f"{path} has two joints '{element.get('name')}'; rename one.")
    return root


class JointLimit(NamedTuple):
    """The limits of a joint, as its URDF states them or a setting does in its place."""

    lower: float  # [rad], [m] if prismatic; −inf if continuous
    upper: float  # likewise
    velocity: float  # [rad/s], [m/s]
    effort: float  # [N·m], [N]


def read_limits(
    element: ElementTree.Element, effort: float | None = None, velocity: float | None = None
) -> JointLimit:
    """Return a joint's limits.

    Many files state no effort or velocity, or 0, for a driver that has limits of its own.

    Args:
        element: the joint.
        effort: what stands in for a missing effort, or one of 0 [N·m], [N] if prismatic.
        velocity: likewise [rad/s], [m/s].

    Raises:
        RobotError: a limit is missing or impossible; the message names the joint, not the file.
    """
    name, kind = element.get("name"), element.get("type", "")
    limit = element.find("limit")
    stand_in = {"effort": effort, "velocity": velocity}
    value: dict[str, float] = {}
    missing, wrong = [], []
    for key in ("effort", "velocity", "lower", "upper"):
        if kind == "continuous" and key in ("lower", "upper"):
            continue
        text = limit.get(key) if limit is not None else None
        other = stand_in.get(key)
        try:
            number = float(text) if text is not None else math.nan
        except ValueError as error:
            raise RobotError(f"joint '{name}' has a bad limit ({error}).") from None
        good = math.isfinite(number) and (key not in ASKED_OF or number > 0.0)
        if good or other is not None:
            value[key] = number if good or other is None else other
        elif text is None:
            missing.append(key)
        else:
            wrong.append(f'{key}="{text}"')
    asked = [f"{ASKED_OF[key]}" for key in ASKED_OF if key not in value]
    settings = f", or set {' and '.join(asked)}, one number for each joint" if asked else ""
    if missing:
        units = _SLIDING if kind == "prismatic" else _UNITS
        example = " ".join(f'{key}="[{unit}]"' for key, unit in units.items())
        raise RobotError(
            f"joint '{name}' has no limit for {', '.join(missing)}; add <limit {example}/>"
            f"{settings}."
        )
    lower, upper = value.get("lower", -math.inf), value.get("upper", math.inf)
    if wrong or not lower < upper:
        stated = ", ".join(wrong) or f"lower {lower:g} and upper {upper:g}"
        raise RobotError(
            f"joint '{name}' has the limits {stated}; expected finite numbers with effort > 0, "
            f"velocity > 0 and lower < upper. Correct the file{settings}."
        )
    return JointLimit(lower, upper, value["velocity"], value["effort"])


def read_safety(element: ElementTree.Element, path: Path) -> SafetyController:
    """Return a joint's `<safety_controller>`, all None if the joint has none.

    Raises:
        RobotError: an attribute is not a finite number, or a gain is negative.
    """
    tag = element.find("safety_controller")
    if tag is None:
        return SafetyController()
    value: dict[str, float | None] = {}
    for key in ("soft_lower_limit", "soft_upper_limit", "k_position", "k_velocity"):
        text = tag.get(key)
        try:
            number = float(text) if text is not None else None
        except ValueError:
            number = math.nan
        negative = number is not None and number < 0.0 and key.startswith("k_")
        if number is not None and (negative or not math.isfinite(number)):
            raise RobotError(
                f"{path}: joint '{element.get('name')}' has <safety_controller {key}=\"{text}\">; "
                f"expected a finite number{', at least 0' if negative else ''}."
            )
        value[key] = number
    return SafetyController(*value.values())


def read_joint(element: ElementTree.Element, path: Path) -> Joint:
    """Return a joint: its links, origin, axis, position limits and `<mimic>`.

    Raises:
        RobotError: an unknown type, no parent or child, or a value that is not a finite number.
    """
    where = f"{path}: joint '{element.get('name')}'"
    kind = element.get("type", "")
    if kind not in KINDS:
        raise RobotError(f"{where} is of type '{kind}'; expected one of {', '.join(KINDS)}.")
    xyz = read_triple(element, "origin", "xyz", "0 0 0", where)
    rpy = read_triple(element, "origin", "rpy", "0 0 0", where)
    has_axis = kind in MOTORS
    direction = read_triple(element, "axis", "xyz", "1 0 0", where) if has_axis else _ANY_AXIS
    length = np.linalg.norm(direction)
    if length == 0:
        raise RobotError(f"{where} has the axis 0 0 0; expected a direction.")
    bounded = kind in ("revolute", "prismatic")
    mimic = element.find("mimic")
    return Joint(
        name=element.get("name", ""),
        kind=kind,
        parent=_link(element, "parent", where),
        child=_link(element, "child", where),
        origin=transform(xyz, rpy),
        axis=direction / length,
        lower=read_number(element, "limit", "lower", 0.0, where) if bounded else -math.inf,
        upper=read_number(element, "limit", "upper", 0.0, where) if bounded else math.inf,
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


def read_number(
    element: ElementTree.Element, tag: str, key: str, default: float | None, where: str
) -> float:
    """Read a finite number from an attribute of a child element.

    Args:
        element: the parent element.
        tag: the child's tag.
        key: the attribute.
        default: the value if the child or its attribute is missing; None makes it required.
        where: file and joint or link, for error messages.

    Raises:
        RobotError: not a finite number, or missing without a default.
    """
    child = element.find(tag)
    text = child.get(key) if child is not None else None
    try:
        number = float(text) if text is not None else default
    except ValueError:
        number = math.nan
    if number is None or not math.isfinite(number):
        got = f'<{tag} {key}="{text}">' if text is not None else f"no <{tag} {key}=…>"
        raise RobotError(f"{where} has {got}; expected a finite number.")
    return number


def read_triple(
    element: ElementTree.Element, tag: str, key: str, default: str, where: str
) -> Vector:
    """Read three finite numbers, (3,), from an attribute of a child element.

    Args:
        element: the parent element.
        tag: the child's tag.
        key: the attribute.
        default: the text if the child or its attribute is missing.
        where: file and joint or link, for error messages.

    Raises:
        RobotError: not three finite numbers.
    """
    child = element.find(tag)
    text = child.get(key, default) if child is not None else default
    try:
        numbers = np.array([float(part) for part in text.split()], dtype=np.float64)
    except ValueError:
        numbers = np.empty(0)
    if numbers.shape != (3,) or not np.isfinite(numbers).all():
        raise RobotError(f'{where} has <{tag} {key}="{text}">; expected three finite numbers.')
    return numbers
