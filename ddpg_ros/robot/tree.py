"""The tree of a URDF's joints: which of them make the arm, and where the others stand."""

from collections.abc import Sequence
from pathlib import Path

from ddpg_ros.errors import RobotError, nearest
from ddpg_ros.robot.kinematics import ROTARY, Joint


class Tree:
    """Joints between links, from one base outwards."""

    def __init__(self, joints: Sequence[Joint], path: Path) -> None:
        """Take the joints in the order of the file `path`.

        Raises:
            RobotError: a loop, several bases, or a joint that mimics none that is there.
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
        self._depth: dict[str, int] = {}  # of a link: motors on the longest way outwards
        mimicked = {joint.leader for joint in joints}
        self._motors = {j.name for j in joints if j.kind in ROTARY and not j.leader}
        self._grippers = self._motors & mimicked  # where no other motor follows them
        outwards = [self.base] if bases else []
        for link in outwards:
            outwards += [joint.child for joint in self._children.get(link, ())]
        if len(outwards) != len(joints) + bool(joints):
            raise RobotError(f"{path}: its joints form a loop; expected a tree of links.")
        for link in reversed(outwards):
            ways = self._children.get(link, ())
            self._depth[link] = max((self._steps(joint) for joint in ways), default=0)
        for joint in joints:
            self._require_leader(joint)

    def _steps(self, joint: Joint) -> int:
        """Count the motors from a joint outwards on the longest way, those of grippers aside."""
        own = joint.name in self._motors and joint.name not in self._grippers
        return own + self._depth[joint.child]

    def _require_leader(self, joint: Joint) -> None:
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
        """Return the joints on the way from the base to a link.

        Raises:
            RobotError: no such link at the end of a joint.
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
        """Return the link at the end of the way outwards along the first joint of each link."""
        while ways := self._children.get(link):
            link = ways[0].child
        return link

    def hand(self) -> str:
        """Return the link at which the arm's motors end: where the way outwards is not clear.

        From the base, the way goes where the most motors follow each other. Where two ways have
        the same number, the fingers of a hand begin.

        Raises:
            RobotError: two ways of the same number from the start.
        """
        link, passed = self.base, 0
        while self._depth.get(link, 0):
            ways = self._children[link]
            longest = [joint for joint in ways if self._steps(joint) == self._depth[link]]
            if len(longest) > 1:
                if passed:
                    break
                ends = ", ".join(self.end_of(joint.child) for joint in longest)
                raise RobotError(
                    f"{self._path} has {len(longest)} chains of {self._depth[link]} joints; "
                    f"expected one arm. Set robot.tip to the end of one ({ends}), or robot.joints."
                )
            passed += self._steps(longest[0]) - self._depth[longest[0].child]
            link = longest[0].child
        return link if passed else self.end_of(link)

    def arm(self, tip: str) -> tuple[str, ...]:
        """Return the motors on the way from the base to a link; none of a gripper at its end."""
        names = [joint.name for joint in self.chain_to(tip) if joint.name in self._motors]
        while len(names) > 1 and names[-1] in self._grippers:
            names.pop()
        return tuple(names)

    def require_motor(self, name: str) -> None:
        """Refuse a joint that cannot be commanded.

        Raises:
            RobotError: no such joint, or one that does not turn, or that mimics another.
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
        if joint.kind not in ROTARY:
            raise RobotError(
                f"robot.joints names '{name}', a {joint.kind} joint of {self._path}; this package "
                f"commands joints that turn. Expected some of: {motors}."
            )

    def stand(self, commanded: Sequence[str]) -> dict[str, float]:
        """Return the positions at which the joints stand that could move and are not commanded.

        That is 0, or the nearest position within the limits, [rad] or [m]; a joint that mimics
        another stands where that takes it.
        """
        return {
            joint.name: self._rest(joint)
            for joint in self.joints.values()
            if joint.kind != "fixed" and joint.name not in commanded
        }

    def _rest(self, joint: Joint) -> float:
        leader = self._rest(self.joints[joint.leader]) if joint.leader else 0.0
        wanted = joint.multiplier * leader + joint.offset if joint.leader else 0.0
        return min(max(wanted, joint.lower), joint.upper)
