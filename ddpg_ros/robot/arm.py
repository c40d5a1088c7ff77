"""The arm as its URDF describes it: joints, limits and forward kinematics."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, RobotError
from ddpg_ros.robot.joint_limits import JointLimit, SafetyController, read_limits, read_safety
from ddpg_ros.robot.kinematics import MOTORS, Chain, Joint, Pose
from ddpg_ros.robot.source import read_source
from ddpg_ros.robot.tree import Tree
from ddpg_ros.robot.urdf import find_urdf, read_joint, read_urdf
from ddpg_ros.robot.workspace import furthest
from ddpg_ros.types import Vector


@dataclass(frozen=True)
class Robot:
    """A serial arm of n joints; every (n,) array of the package follows `joints`.

    The URDF is the source of every limit. Continuous joints have infinite position limits. A
    prismatic joint has metres for radians, and newtons for newton-metres, in every array.

    Joints that can move but are not commanded are held at 0, or at the nearest position within
    their limits. A held joint that mimics another takes the position that its `<mimic>` gives.
    """

    name: str
    urdf_path: Path  # of the URDF or xacro; meshes are found from its folder
    source: bytes = field(repr=False)  # the URDF itself
    joints: tuple[str, ...]
    kinds: tuple[str, ...]  # the URDF's type of each joint, n
    tip: str  # the link whose frame is the fingertip
    held: dict[str, float]  # positions of the joints that are not commanded [rad], prismatic [m]
    lower: Vector  # (n,) [rad]
    upper: Vector  # (n,) [rad]
    velocity_limit: Vector  # (n,) [rad/s] of the URDF
    allowed_velocity: Vector  # (n,) [rad/s] in force: that, or a lower safety.velocity_limit
    effort_limit: Vector  # (n,) [N·m]
    safety: tuple[SafetyController, ...]  # n of them: soft limits and their gains
    tree: tuple[Joint, ...] = field(repr=False)  # every joint of the file, in its order
    chain: tuple[Joint, ...] = field(repr=False)  # base → tip, fixed joints included
    _kinematics: Chain = field(repr=False)

    @classmethod
    def of(cls, config: Config) -> "Robot":
        """Read the arm of an experiment; its settings stand in for limits that the file lacks.

        Raises:
            RobotError: see `load`.
        """
        section = config.robot
        return cls.load(
            section.urdf,
            section.joints,
            section.tip,
            section.xacro_arguments,
            section.torque_limit,
            config.safety.velocity_limit,
        )

    @classmethod
    def load(
        cls,
        urdf: str,
        joints: Sequence[str] = (),
        tip: str = "",
        xacro_arguments: Sequence[str] = (),
        efforts: Sequence[float] | float = (),
        velocities: Sequence[float] | float = (),
    ) -> "Robot":
        """Read an arm from a URDF or a xacro.

        Args:
            urdf: a path, the name of an arm that ships with this package (`reacher2`), or a path
                within pybullet_data (`franka_panda/panda.urdf`).
            joints: the joints to command, in order. Empty selects every joint that turns or
                slides between the base and the tip, except a gripper at the end (a joint that
                others mimic).
            xacro_arguments: of a xacro, `name:=value` each.
            efforts: effort limits for the joints whose URDF states none, one for each joint or
                one for all [N·m], [N] if prismatic.
            velocities: likewise velocity limits [rad/s], [m/s]; lower ones than the URDF's are in
                force.
            tip: the link whose frame is the fingertip. Empty selects the end of the longest
                chain; after the last commanded joint, the chain follows the first joint of each
                link.

        Raises:
            RobotError: the file is missing or not a URDF; a joint is missing, is named twice,
                lacks a limit, or has a bad safety_controller, origin or axis; a joint on the way
                to the tip mimics a commanded one; the joints form a loop; or the file has several
                arms and the arguments choose none.
        """
        path = find_urdf(urdf)
        source = read_source(path, xacro_arguments)
        root = read_urdf(source, path)
        elements = {element.get("name", ""): element for element in root.findall("joint")}
        tree = Tree([read_joint(element, path) for element in elements.values()], path)
        if not any(joint.kind in MOTORS for joint in tree.joints.values()):
            raise RobotError(f"{path} has no revolute, continuous or prismatic joint to move.")
        for index, joint in enumerate(joints):
            if joint in joints[:index]:
                raise RobotError(f"robot.joints names '{joint}' twice; expected each joint once.")
            tree.require_motor(joint)
        wrist = tip or (tree.joints[joints[-1]].child if joints else tree.wrist())
        names = tuple(joints) or tree.motors_to(wrist)
        tip = tip or tree.end_of(wrist)
        chain = tree.chain_to(tip)
        tree.require_on_way(names, tip)
        if not names:
            raise RobotError(
                f"{path} has no joint that moves on the way from {tree.base} to the tip {tip}; "
                "set robot.tip to a link further out, or robot.joints."
            )
        tree.require_rigid(names, tip)
        held = tree.held_positions(names)
        limits = _limits([elements[joint] for joint in names], path, efforts, velocities)
        return cls(
            name=root.get("name", path.stem),
            urdf_path=path,
            source=source,
            joints=names,
            kinds=tuple(tree.joints[joint].kind for joint in names),
            tip=tip,
            held=held,
            lower=limits.lower,
            upper=limits.upper,
            velocity_limit=limits.velocity,
            allowed_velocity=np.fmin(limits.velocity, _given(velocities, len(names))),
            effort_limit=limits.effort,
            safety=tuple(read_safety(elements[joint], path) for joint in names),
            tree=tuple(tree.joints.values()),
            chain=chain,
            _kinematics=Chain(chain, names, held),
        )

    def tip_pose(self, position: Vector) -> Pose:
        """Forward kinematics: the fingertip's frame in the base frame.

        Args:
            position: (n,) [rad], [m] if prismatic.

        Returns:
            (4, 4) homogeneous transform [m].
        """
        return self._kinematics.tip_pose(position)

    def tip_position(self, position: Vector) -> Vector:
        """Return the fingertip's position in the base frame, (3,) [m].

        Args:
            position: (n,) [rad].
        """
        tip: Vector = self.tip_pose(position)[:3, 3]
        return tip

    def seen_from_tip(self, position: Vector, point: Vector) -> Vector:
        """Return a point of the base frame, (3,) [m], in the fingertip's frame, (3,) [m].

        Args:
            position: (n,) [rad], [m] if prismatic.
            point: (3,) [m].
        """
        return self._kinematics.seen_from_tip(position, point)

    def places(self, position: Vector) -> Vector:
        """Return where the arm is, (m, 3) [m]: each joint from base to tip, and the tip.

        Args:
            position: (n,) [rad].
        """
        return self._kinematics.places(position)

    def torque_limit(self, requested: Sequence[float]) -> Vector:
        """Check a requested torque limit against the URDF's effort limit.

        Args:
            requested: one number a joint [N·m]; empty requests the URDF's effort limit.

        Returns:
            The torque limit of each joint, (n,) [N·m].

        Raises:
            ConfigError: not one number a joint, or above the URDF's effort limit.
        """
        if not requested:
            effort: Vector = self.effort_limit.copy()
            return effort
        limit = np.array(requested, dtype=np.float64)
        allowed = ", ".join(
            f"{joint} {effort:g}"
            for joint, effort in zip(self.joints, self.effort_limit, strict=True)
        )
        if limit.shape != self.effort_limit.shape or (limit > self.effort_limit).any():
            raise ConfigError(
                f"robot.torque_limit is {list(requested)}; expected one number for each joint, at "
                f"most the URDF's effort [N·m]: {allowed}."
            )
        return limit

    @property
    def reach(self) -> float:
        """Upper bound of the fingertip's distance from the base [m]."""
        total = 0.0
        for joint in self.chain:
            ends = [self.held.get(joint.name, 0.0)]
            if joint.name in self.joints and joint.kind == "prismatic":
                ends = [end for end in (joint.lower, joint.upper) if np.isfinite(end)] or ends
            total += max(float(np.linalg.norm(joint.at(end)[:3, 3])) for end in ends)
        return total

    @cached_property
    def workspace(self) -> tuple[Vector, float]:
        """A ball that the fingertip does not leave: centre, (3,), and radius [m].

        The centre is the first commanded joint; if that slides, the base.
        """
        low = np.where(np.isfinite(self.lower), self.lower, -np.pi)
        high = np.where(np.isfinite(self.upper), self.upper, np.pi)
        first = next(joint for joint in self.chain if joint.name in self.joints)
        turns = first.kind != "prismatic"
        centre: Vector = self.places(low)[0].copy() if turns else np.zeros(3)
        return centre, min(
            furthest(self.tip_position, low, high, centre),
            self.reach + float(np.linalg.norm(centre)),
        )

    @property
    def sliding(self) -> NDArray[np.bool_]:
        """Whether each joint is prismatic: metres, and newtons for newton-metres, (n,)."""
        return np.array([kind == "prismatic" for kind in self.kinds])

    def root(self) -> ElementTree.Element:
        """Return the `<robot>` of the URDF, a new one each time."""
        return read_urdf(self.source, self.urdf_path)

    def describe(self) -> str:
        """Return one line: the commanded joints in order, the tip, and the held joints."""
        kinds = {joint.name: joint.kind for joint in self.tree}
        leaders = {joint.name: joint.leader for joint in self.tree}
        commanded = ", ".join(f"{name} ({kinds[name]})" for name in self.joints)
        held = []
        for name, position in self.held.items():
            unit = {"prismatic": " m", "floating": "", "planar": ""}.get(kinds[name], " rad")
            mimics = f", mimics {leaders[name]}" if leaders[name] else ""
            held.append(f"{name} ({kinds[name]}{mimics}) at {position:g}{unit}")
        others = f"; not commanded, assumed to stand still: {', '.join(held)}" if held else ""
        return f"{self.name}: joints in order {commanded}; tip {self.tip}{others}"


class _Limits(NamedTuple):
    """The limits of n joints, (n,) each."""

    lower: Vector
    upper: Vector
    velocity: Vector
    effort: Vector


def _limits(
    joints: Sequence[ElementTree.Element],
    path: Path,
    efforts: Sequence[float] | float,
    velocities: Sequence[float] | float,
) -> _Limits:
    """Return the limits of the joints.

    Raises:
        RobotError: one message for all joints with a missing or bad limit.
    """
    found: list[JointLimit] = []
    problems: list[str] = []
    size = len(joints)
    for joint, effort, velocity in zip(
        joints, _one_each(efforts, size), _one_each(velocities, size), strict=True
    ):
        try:
            found.append(read_limits(joint, effort, velocity))
        except RobotError as error:  # noqa: PERF203 (one message reports every joint)
            problems.append(str(error))
    if problems:
        raise RobotError(f"{path}: {' '.join(problems)}")
    return _Limits(*np.array(found, dtype=np.float64).T.copy())


def _one_each(given: Sequence[float] | float, size: int) -> Sequence[float | None]:
    """Return a number for each joint; None, if another count is given."""
    if isinstance(given, int | float):
        return [given] * size
    return list(given) if len(given) == size else [None] * size


def _given(numbers: Sequence[float] | float, size: int) -> Vector:
    """Return a number for each joint, (n,); NaN, if another count is given."""
    return np.array(_one_each(numbers, size), dtype=np.float64)
