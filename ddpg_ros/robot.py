"""The arm as its URDF describes it: joints, limits and forward kinematics."""

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ddpg_ros.errors import ConfigError, RobotError, nearest
from ddpg_ros.kinematics import Joint, Pose, transform
from ddpg_ros.types import Vector

ASSETS = Path(__file__).resolve().parents[1] / "sim" / "assets"
"""Where the arms that ship with this package stand: `pendulum.urdf`, `reacher2.urdf`."""

_MOVABLE = ("revolute", "continuous")


@dataclass(frozen=True)
class Robot:
    """A serial arm of revolute joints, in the order that every array of the package follows.

    Continuous joints have infinite position limits. Source of every limit: the URDF.
    """

    name: str
    urdf_path: Path
    joints: tuple[str, ...]
    lower: Vector  # (n,) [rad]
    upper: Vector  # (n,) [rad]
    velocity_limit: Vector  # (n,) [rad/s]
    effort_limit: Vector  # (n,) [N·m]
    _chain: tuple[Joint, ...] = field(repr=False)  # base → tip, fixed joints included

    @classmethod
    def load(cls, urdf: str, joints: Sequence[str] = (), tip: str = "") -> "Robot":
        """Read an arm from a URDF.

        Args:
            urdf: a path, or the name of an arm that ships with this package (`reacher2`).
            joints: the joints to command, in order; none means every movable joint.
            tip: the link whose frame is the fingertip; none means the end of the chain.

        Raises:
            RobotError: no such file, not a URDF, a joint that is not there or there twice, a
                joint without effort, velocity or (where it is not continuous) position
                limits, a bad origin or axis, or joints that form a loop.
        """
        path = find_urdf(urdf)
        try:
            root = ElementTree.parse(path).getroot()
        except (ElementTree.ParseError, LookupError, ValueError) as error:
            raise RobotError(f"{path} is no XML ({error}); expected a URDF.") from None
        if root.tag != "robot":
            raise RobotError(f"{path} holds <{root.tag}>; expected a URDF's <robot>.")
        elements: dict[str, ElementTree.Element] = {}
        for element in root.findall("joint"):
            if elements.setdefault(element.get("name", ""), element) is not element:
                raise RobotError(f"{path} has two joints '{element.get('name')}'; rename one.")
        movable = [name for name, element in elements.items() if element.get("type") in _MOVABLE]
        names = tuple(joints) or tuple(movable)
        if not names:
            raise RobotError(f"{path} has no revolute or continuous joint to move.")
        for index, name in enumerate(names):
            if name in names[:index]:
                raise RobotError(f"robot.joints names '{name}' twice; expected each joint once.")
            if name not in movable:
                raise RobotError(
                    f"{path} has no movable joint '{name}'{nearest(name, movable)} "
                    f"It has: {', '.join(movable) or 'none'}."
                )
        limits = np.array([_limits(elements[name], path) for name in names], dtype=np.float64)
        chain = _chain_to(
            tip, [_joint(element, path) for element in elements.values()], names, path
        )
        return cls(
            name=root.get("name", path.stem),
            urdf_path=path,
            joints=names,
            lower=limits[:, 0],
            upper=limits[:, 1],
            velocity_limit=limits[:, 2],
            effort_limit=limits[:, 3],
            _chain=chain,
        )

    def tip_pose(self, position: Vector) -> Pose:
        """Forward kinematics: the fingertip's frame in the base frame.

        Args:
            position: (n,) [rad].

        Returns:
            (4, 4) homogeneous transform [m].
        """
        angles = dict(zip(self.joints, position.tolist(), strict=True))
        pose = np.eye(4)
        for joint in self._chain:
            pose = pose @ joint.pose(angles.get(joint.name, 0.0))
        return pose

    def tip_position(self, position: Vector) -> Vector:
        """Return where the fingertip is in the base frame, (3,) [m]; `position` is (n,) [rad]."""
        tip: Vector = self.tip_pose(position)[:3, 3]
        return tip

    def torque_limit(self, wanted: Sequence[float]) -> Vector:
        """Return the torque limit of each joint, (n,) [N·m]: `wanted`, or the URDF's where none.

        Raises:
            ConfigError: not one number a joint, or above the URDF's effort limit.
        """
        if not wanted:
            own: Vector = self.effort_limit.copy()
            return own
        limit = np.array(wanted, dtype=np.float64)
        allowed = ", ".join(
            f"{joint} {effort:g}"
            for joint, effort in zip(self.joints, self.effort_limit, strict=True)
        )
        if limit.shape != self.effort_limit.shape or (limit > self.effort_limit).any():
            raise ConfigError(
                f"robot.torque_limit is {list(wanted)}; expected one number for each joint, at "
                f"most the URDF's effort [N·m]: {allowed}."
            )
        return limit

    @property
    def reach(self) -> float:
        """Upper bound of the fingertip's distance from the base [m]."""
        return float(sum(np.linalg.norm(joint.origin[:3, 3]) for joint in self._chain))


def find_urdf(urdf: str) -> Path:
    """Return the file that `urdf` (a path or the name of one of our arms) stands for."""
    path = Path(urdf).expanduser()
    if path.is_file():
        return path.resolve()
    own = ASSETS / f"{urdf}.urdf"
    if own.is_file():
        return own
    known = sorted(arm.stem for arm in ASSETS.glob("*.urdf"))
    raise RobotError(
        f"there is no URDF '{urdf}'; robot.urdf takes the path of a file or one of our own arms "
        f"({', '.join(known)}){nearest(urdf, known)}"
    )


def _limits(element: ElementTree.Element, path: Path) -> tuple[float, float, float, float]:
    name, limit = element.get("name"), element.find("limit")
    wanted = ["effort", "velocity"]
    if element.get("type") == "revolute":
        wanted += ["lower", "upper"]
    missing = [key for key in wanted if limit is None or limit.get(key) is None]
    if missing:
        raise RobotError(
            f"{path}: joint '{name}' has no limit for {', '.join(missing)}; add "
            f'<limit effort="[N·m]" velocity="[rad/s]" lower="[rad]" upper="[rad]"/>.'
        )
    assert limit is not None
    try:
        value = {key: float(limit.get(key, "")) for key in wanted}
    except ValueError as error:
        raise RobotError(f"{path}: joint '{name}' has a bad limit ({error}).") from None
    lower, upper = value.get("lower", -math.inf), value.get("upper", math.inf)
    finite = all(math.isfinite(number) for number in value.values())
    if not (finite and value["effort"] > 0 and value["velocity"] > 0 and lower < upper):
        raise RobotError(
            f"{path}: joint '{name}' has limits {value}; expected finite numbers with "
            "effort > 0, velocity > 0 and lower < upper."
        )
    return lower, upper, value["velocity"], value["effort"]


def _joint(element: ElementTree.Element, path: Path) -> Joint:
    where = f"{path}: joint '{element.get('name')}'"
    xyz = _triple(element, "origin", "xyz", "0 0 0", where)
    rpy = _triple(element, "origin", "rpy", "0 0 0", where)
    direction = _triple(element, "axis", "xyz", "1 0 0", where)
    length = np.linalg.norm(direction)
    if length == 0:
        raise RobotError(f"{where} has the axis 0 0 0; expected a direction.")
    return Joint(
        name=element.get("name", ""),
        parent=_link(element, "parent", where),
        child=_link(element, "child", where),
        origin=transform(xyz, rpy),
        axis=direction / length,
        movable=element.get("type") in _MOVABLE,
    )


def _link(element: ElementTree.Element, end: str, where: str) -> str:
    tag = element.find(end)
    link = tag.get("link") if tag is not None else None
    if not link:
        raise RobotError(f'{where} has no {end}; add <{end} link="…"/>.')
    return link


def _triple(element: ElementTree.Element, tag: str, key: str, default: str, where: str) -> Vector:
    """Read three numbers from an attribute of a child element that may be missing, (3,)."""
    child = element.find(tag)
    text = child.get(key, default) if child is not None else default
    try:
        numbers = np.array([float(part) for part in text.split()], dtype=np.float64)
    except ValueError:
        numbers = np.empty(0)
    if numbers.shape != (3,) or not np.isfinite(numbers).all():
        raise RobotError(f'{where} has <{tag} {key}="{text}">; expected three finite numbers.')
    return numbers


def _chain_to(
    tip: str, joints: list[Joint], commanded: tuple[str, ...], path: Path
) -> tuple[Joint, ...]:
    """Walk from the tip link up to the base; return the joints base → tip."""
    by_child = {joint.child: joint for joint in joints}
    if tip and tip not in by_child:
        raise RobotError(
            f"{path} has no link '{tip}' at the end of a joint{nearest(tip, by_child)} "
            f"It has: {', '.join(by_child)}."
        )
    loop = RobotError(f"{path}: its joints form a loop; expected a tree of links.")
    link = tip
    if not link:  # from the last commanded joint outwards, along the first child
        link = next(joint.child for joint in joints if joint.name == commanded[-1])
        passed = {link}
        while child := next((joint.child for joint in joints if joint.parent == link), None):
            if child in passed:
                raise loop
            passed.add(child)
            link = child
    chain: list[Joint] = []
    while link in by_child:
        if len(chain) == len(joints):
            raise loop
        chain.append(by_child[link])
        link = by_child[link].parent
    return tuple(reversed(chain))
