"""The tree of a URDF's joints: which joints make up the arm, and where the others are held.

A *motor* is a joint that turns or slides and mimics no other joint. A *gripper* is a motor that
other joints mimic, or whose name says so: many files have no `<mimic>`.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from ddpg_ros.errors import RobotError, nearest
from ddpg_ros.robot.kinematics import MOTORS, Joint

_GRIPPER = re.compile("gripper|finger|thumb|jaw|knuckle|claw", re.IGNORECASE)


class Tree:
    """The joints of one URDF, from its base link outwards."""

    def __init__(self, joints: Sequence[Joint], path: Path) -> None:
        """Check that the joints form a tree.

        Args:
            joints: every joint, in the order of the file.
            path: the file, for error messages.

        Raises:
            RobotError: a loop, several base links, or a joint that mimics a missing joint.
        """
        self.joints = {joint.name: joint for joint in joints}
        self._path = path
        self._by_child: dict[str, Joint] = {}
        self._children: dict[str, list[Joint]] = {}
        for joint in joints:
            other = self._by_child.setdefault(joint.child, joint)
            if other is not joint:
                raise RobotError(
                    f"{path}: link '{joint.child}' is the child of the joints '{other.name}' and "
                    f"'{joint.name}', which form a loop; expected a tree of links."
                )
            self._children.setdefault(joint.parent, []).append(joint)
        bases = [link for link in self._children if link not in self._by_child]
        if len(bases) > 1:
            raise RobotError(
                f"{path} has several base links: {', '.join(bases)}; expected one tree of links. "
                "Add the joints that are missing."
            )
        self.base = bases[0] if bases else ""
        self._depth: dict[str, int] = {}  # per link: motors on the longest path outwards
        mimicked = {joint.leader for joint in joints}
        self._motors = {j.name for j in joints if j.kind in MOTORS and not j.leader}
        named = {name for name in self._motors if _GRIPPER.search(name)}
        alone = len(named) < len(self._motors)  # an arm may itself be called a finger
        self._grippers = self._motors & (mimicked | (named if alone else set()))
        outwards = [self.base] if bases else []
        for link in outwards:
            outwards += [joint.child for joint in self._children.get(link, ())]
        if len(outwards) != len(joints) + bool(joints):
            raise RobotError(f"{path}: its joints form a loop; expected a tree of links.")
        for link in reversed(outwards):
            branches = self._children.get(link, ())
            self._depth[link] = max((self._motors_from(joint) for joint in branches), default=0)
        for joint in joints:
            self._require_leader(joint)

    def _motors_from(self, joint: Joint) -> int:
        """Count the motors, less grippers, on the longest path that starts with `joint`."""
        own = joint.name in self._motors and joint.name not in self._grippers
        return own + self._depth[joint.child]

    def _require_leader(self, joint: Joint) -> None:
        """Refuse a joint that mimics a missing joint, or that mimics itself through others."""
        passed = [joint.name]
        while joint.leader:
            if joint.leader not in self.joints:
                raise RobotError(
                    f"{self._path}: joint '{joint.name}' mimics '{joint.leader}', which is not "
                    f"there{nearest(joint.leader, self.joints)}"
                )
            joint = self.joints[joint.leader]
            if joint.name in passed:
                raise RobotError(
                    f"{self._path}: the joints {', '.join(passed)} mimic each other in a circle; "
                    "expected one of them to mimic none."
                )
            passed.append(joint.name)

    def chain_to(self, tip: str) -> tuple[Joint, ...]:
        """Return the joints between the base and the link `tip`, base first.

        Raises:
            RobotError: no joint has this child link.
        """
        if tip not in self._by_child:
            raise RobotError(
                f"{self._path} has no link '{tip}' at the end of a joint"
                f"{nearest(tip, self._by_child)} It has: {', '.join(self._by_child)}."
            )
        chain: list[Joint] = []
        while tip in self._by_child:
            chain.append(self._by_child[tip])
            tip = chain[-1].parent
        return tuple(reversed(chain))

    def end_of(self, link: str) -> str:
        """Return the last link of the path outwards along the first joint of each link."""
        while branches := self._children.get(link):
            link = branches[0].child
        return link

    def wrist(self) -> str:
        """Return the link at which the arm ends and the fingers, if any, begin.

        The path from the base follows the branch with the most motors. A link with two such
        branches ends the arm: the branches are fingers, as none has more motors than the arm.

        Raises:
            RobotError: two branches tie that are no fingers, so the URDF has several arms.
        """
        link, passed = self.base, 0
        while self._depth.get(link, 0):
            branches = self._children[link]
            deepest = self._depth[link]
            longest = [joint for joint in branches if self._motors_from(joint) == deepest]
            if len(longest) > 1:
                if passed >= deepest:
                    break
                ends = ", ".join(self.end_of(joint.child) for joint in longest)
                raise RobotError(
                    f"{self._path} has {len(longest)} chains of {deepest} joints; "
                    f"expected one arm. Set robot.tip to the end of one ({ends}), or robot.joints."
                )
            passed += self._motors_from(longest[0]) - self._depth[longest[0].child]
            link = longest[0].child
        return link if passed else self.end_of(link)

    def motors_to(self, tip: str) -> tuple[str, ...]:
        """Return the motors between the base and a link, without a gripper at the end."""
        names = [joint.name for joint in self.chain_to(tip) if joint.name in self._motors]
        while len(names) > 1 and names[-1] in self._grippers:
            names.pop()
        return tuple(names)

    def require_on_way(self, names: Sequence[str], tip: str) -> None:
        """Refuse named joints that neither move the tip nor sit on the arm's end, as fingers do.

        Raises:
            RobotError: a joint elsewhere in the tree.
        """
        chain = [joint.name for joint in self.chain_to(tip)]
        on_way = [name for name in names if name in chain]
        last = max(on_way, key=chain.index, default="")
        for name in names:
            above = [joint.name for joint in self.chain_to(self.joints[name].child)]
            if name not in chain and last not in above:
                motors = ", ".join(motor for motor in chain if motor in self._motors)
                raise RobotError(
                    f"robot.joints names '{name}', which is not on the way from {self.base} to "
                    f"the tip {tip} in {self._path}; expected some of: {motors or 'none'}. Leave "
                    "it out, or set robot.tip to a link that it moves."
                )

    def require_rigid(self, names: Sequence[str], tip: str) -> None:
        """Refuse a joint on the way to the tip that mimics a commanded joint.

        It would move the tip, and this package holds it where it is.

        Raises:
            RobotError: with the link before it, which may be the tip.
        """
        for joint in self.chain_to(tip):
            leader = joint
            while leader.leader:
                leader = self.joints[leader.leader]
            if joint.leader and leader.name in names:
                raise RobotError(
                    f"{self._path}: joint '{joint.name}', on the way to the tip {tip}, mimics "
                    f"'{leader.name}', which is commanded; this package holds joints that mimic "
                    f"others, so the tip would be elsewhere than on the arm. Set robot.tip to a "
                    f"link before it ({joint.parent}), or leave '{leader.name}' out of "
                    "robot.joints."
                )

    def require_motor(self, name: str) -> None:
        """Refuse a joint that cannot be commanded.

        Raises:
            RobotError: the joint is missing, neither turns nor slides, or mimics another.
        """
        motors = ", ".join(joint for joint in self.joints if joint in self._motors) or "none"
        joint = self.joints.get(name)
        if joint is None or joint.kind == "fixed":
            raise RobotError(
                f"{self._path} has no movable joint '{name}'{nearest(name, self._motors)} "
                f"It has: {motors}."
            )
        if joint.leader:
            raise RobotError(
                f"robot.joints names '{name}', which has no motor of its own: it mimics "
                f"'{joint.leader}' in {self._path}. Expected some of: {motors}."
            )
        if joint.kind not in MOTORS:
            raise RobotError(
                f"robot.joints names '{name}', a {joint.kind} joint of {self._path}; this package "
                f"commands joints that turn or slide. Expected some of: {motors}."
            )

    def held_positions(self, commanded: Sequence[str]) -> dict[str, float]:
        """Return the assumed position of each movable joint that is not commanded.

        Returns:
            By joint name: 0 or the position that `<mimic>` gives, clamped to the limits, in [rad],
            [m] if prismatic.
        """
        return {
            joint.name: self._held_position(joint)
            for joint in self.joints.values()
            if joint.kind != "fixed" and joint.name not in commanded
        }

    def _held_position(self, joint: Joint) -> float:
        leader = self._held_position(self.joints[joint.leader]) if joint.leader else 0.0
        position = joint.multiplier * leader + joint.offset if joint.leader else 0.0
        return min(max(position, joint.lower), joint.upper)
