"""The arm as its URDF describes it: joints, limits and forward kinematics."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ddpg_ros.errors import ConfigError, RobotError, nearest
from ddpg_ros.kinematics import Chain, Joint, Pose
from ddpg_ros.types import Vector
from ddpg_ros.urdf import (
    MOVABLE,
    SafetyController,
    find_urdf,
    read_joint,
    read_limits,
    read_safety,
    read_urdf,
)


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
    safety: tuple[SafetyController, ...]  # n of them: soft limits and their gains
    _chain: tuple[Joint, ...] = field(repr=False)  # base → tip, fixed joints included
    _kinematics: Chain = field(repr=False)

    @classmethod
    def load(cls, urdf: str, joints: Sequence[str] = (), tip: str = "") -> "Robot":
        """Read an arm from a URDF.

        Args:
            urdf: a path, the name of an arm that ships with this package (`reacher2`), or a path
                within pybullet_data (`franka_panda/panda.urdf`).
            joints: the joints to command, in order; none means every movable joint.
            tip: the link whose frame is the fingertip; none means the end of the chain.

        Raises:
            RobotError: no such file, not a URDF, a joint that is not there or there twice, a
                joint without effort, velocity or (where it is not continuous) position
                limits, a bad safety_controller, origin or axis, or joints that form a loop.
        """
        path = find_urdf(urdf)
        name, elements = read_urdf(path)
        movable = [key for key, element in elements.items() if element.get("type") in MOVABLE]
        names = tuple(joints) or tuple(movable)
        if not names:
            raise RobotError(f"{path} has no revolute or continuous joint to move.")
        for index, joint in enumerate(names):
            if joint in names[:index]:
                raise RobotError(f"robot.joints names '{joint}' twice; expected each joint once.")
            if joint not in movable:
                raise RobotError(
                    f"{path} has no movable joint '{joint}'{nearest(joint, movable)} "
                    f"It has: {', '.join(movable) or 'none'}."
                )
        limits = np.array(
            [read_limits(elements[joint], path) for joint in names], dtype=np.float64
        )
        chain = _chain_to(
            tip, [read_joint(element, path) for element in elements.values()], names, path
        )
        return cls(
            name=name,
            urdf_path=path,
            joints=names,
            lower=limits[:, 0],
            upper=limits[:, 1],
            velocity_limit=limits[:, 2],
            effort_limit=limits[:, 3],
            safety=tuple(read_safety(elements[joint], path) for joint in names),
            _chain=chain,
            _kinematics=Chain(chain, names),
        )

    def tip_pose(self, position: Vector) -> Pose:
        """Forward kinematics: the fingertip's frame in the base frame.

        Args:
            position: (n,) [rad].

        Returns:
            (4, 4) homogeneous transform [m].
        """
        return self._kinematics.tip_pose(position)

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
