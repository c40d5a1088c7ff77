"""The arm's mass matrix, from the masses and inertias that its URDF states."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pinocchio
from numpy.typing import NDArray

from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.inertia import read_inertia
from ddpg_ros.robot.kinematics import Joint
from ddpg_ros.robot.urdf import read_number, read_urdf
from ddpg_ros.types import Vector

Matrix = NDArray[np.float64]

_SAMPLES = 256  # positions at which the range of an arm is looked at
_SAME = pinocchio.SE3.Identity()
_ROUNDING = 1e-7  # of the largest inertia of a joint, added to it everywhere
_MOST = 1e9  # [kg·m²] no arm is heavier
_LEAST = 1e-12  # [kg·m²] a joint that moves less than this moves no mass


class MassMatrix:
    """M(q) of the commanded joints; joints that are not commanded stand still.

    The composite rigid body algorithm is pinocchio's.
    """

    def __init__(self, robot: Robot) -> None:
        """Read what the links of an arm weigh.

        Raises:
            RobotError: an `<inertial>` that is none, or a mass matrix that no rigid bodies have.
        """
        self.model, order = _model(robot)
        """Pinocchio's, its joints from base to tip."""
        self._data = self.model.createData()
        self._order = order
        self._in_order = order == sorted(order)
        self._square = np.ix_(order, order)
        self._damping = read_damping(robot)
        low = np.where(np.isfinite(robot.lower), robot.lower, -np.pi)
        high = np.where(np.isfinite(robot.upper), robot.upper, np.pi)
        high = np.minimum(high, low + 2.0 * np.pi)  # a turn is all there is
        spread = np.random.default_rng(0).uniform(low, high, (_SAMPLES, len(order)))
        with np.errstate(all="ignore"):
            samples = np.array([self.at(position) for position in spread])
        self.heaviest: Vector = samples.diagonal(axis1=1, axis2=2).max(axis=0)
        """Largest inertia that each joint moves while the others stand still, (n,) [kg·m²]."""
        self.known = ~(self.heaviest <= _LEAST)
        """Whether each joint moves a mass that the URDF states, (n,)."""
        moving = samples[:, self.known][:, :, self.known]
        heavy = not bool(np.isfinite(moving).all() and (np.abs(moving) < _MOST).all())
        if heavy or (moving.size and not (np.linalg.eigvalsh(moving)[:, 0] > 0.0).all()):
            raise RobotError(
                f"{robot.urdf_path}: no bodies have the <inertial> of its links, as the mass "
                f"matrix is {'beyond all size' if heavy else 'not positive definite'}; expected, "
                "for each link, a mass above 0 kg and ixx, iyy, izz above 0 kg·m², each at most "
                "the sum of the other two."
            )
        # A point mass on its own axis would leave M(q) without an inverse at a single position.
        self._armature = np.empty(len(order))  # [kg·m²], in the model's order
        self._armature[order] = np.where(self.known, _ROUNDING * self.heaviest, 0.0)
        self.model.armature[:] = self._armature
        self._all_known = bool(self.known.all())
        self._by_time: dict[float, tuple[pinocchio.Model, pinocchio.Data]] = {}
        self.samples: Matrix = samples + np.diag(self._armature[order])
        """M at positions spread over the joints' ranges, (m, n, n) [kg·m²]."""

    def at(self, position: Vector) -> Matrix:
        """Return M(q), (n, n) [kg·m²]; `position` is (n,) [rad]."""
        mass = np.array(pinocchio.crba(self.model, self._data, self._ordered(position)))
        return mass if self._in_order else mass[self._square]

    def _ordered(self, numbers: Vector) -> Vector:
        """Return numbers of the robot's joints, (n,), in the model's order."""
        if self._in_order:
            return numbers
        ordered = np.empty(len(self._order))
        ordered[self._order] = numbers
        return ordered

    def inverse(self, position: Vector, damped_for: float = 0.0) -> Matrix:
        """Return (M(q) + t D)⁻¹, (n, n) [1/(kg·m²)]; zero for joints that move no known mass.

        Its diagonal is how fast a joint gives way to its own torque while the others are free; D
        is the damping that the URDF states, as felt over a time t.

        Args:
            position: (n,) [rad].
            damped_for: t [s].
        """
        if self._all_known:
            model, data = self._softened(damped_for)
            inverse = np.array(pinocchio.computeMinverse(model, data, self._ordered(position)))
            return inverse if self._in_order else inverse[self._square]
        mass = self.at(position) + np.diag(damped_for * self._damping)
        moving = np.ix_(self.known, self.known)
        partly = np.zeros_like(mass)
        partly[moving] = np.linalg.inv(mass[moving])
        return partly

    def _softened(self, damped_for: float) -> tuple[pinocchio.Model, pinocchio.Data]:
        """Return the model to whose inertia t D is added; kept, as a control loop asks for few."""
        if damped_for not in self._by_time:
            model = self.model.copy()
            model.armature[:] = self._armature + self._ordered(damped_for * self._damping)
            self._by_time[damped_for] = model, model.createData()
        return self._by_time[damped_for]

    def share(self, gains: Vector, period: float) -> float:
        """Return the largest eigenvalue of T M(q)⁻¹ K at positions spread over the range.

        What a torque −K v, held for a period, takes off the fastest mode of the arm's velocity.

        Args:
            gains: (n,) the diagonal of K [N·m·s/rad]; those of joints without mass do not count.
            period: T [s].
        """
        if not self.known.any():
            return 0.0
        root = np.sqrt(gains[self.known])
        moving = self.samples[:, self.known][:, :, self.known]
        symmetric = root[:, None] * np.linalg.inv(moving) * root
        return period * float(np.linalg.eigvalsh(symmetric)[:, -1].max())

    def lightest(self, damped_for: float = 0.0) -> Vector:
        """Return the least inertia that each joint moves while the others are free, (n,) [kg·m²].

        Zero for a joint without mass.

        Args:
            damped_for: how long the joints' own damping counts as inertia [s].
        """
        least = np.zeros(len(self.known))
        damping = np.diag(damped_for * self._damping)
        moving = (self.samples + damping)[:, self.known][:, :, self.known]
        if moving.size:
            inverse = np.linalg.inv(moving).diagonal(axis1=1, axis2=2)
            least[self.known] = 1.0 / inverse.max(axis=0)
        return least


def read_damping(robot: Robot) -> Vector:
    """Return the damping that the URDF states for each joint, (n,) [N·m·s/rad]; 0 by default."""
    _, elements = read_urdf(robot.urdf_path)
    where = f"{robot.urdf_path}: joint"
    stated = [
        read_number(elements[joint], "dynamics", "damping", 0.0, f"{where} '{joint}'")
        for joint in robot.joints
    ]
    return np.maximum(stated, 0.0)


def _model(robot: Robot) -> tuple[pinocchio.Model, list[int]]:
    """Return pinocchio's model of an arm, and the column of each commanded joint in it."""
    root = ElementTree.parse(robot.urdf_path).getroot()
    links = {link.get("name", ""): link for link in root.findall("link")}
    by_parent: dict[str, list[Joint]] = {}
    for one in robot.tree:
        by_parent.setdefault(one.parent, []).append(one)
    model = pinocchio.Model()
    columns: dict[str, int] = {}

    def add(link: str, joint: int, frame: pinocchio.SE3) -> None:
        if link in links:
            inertia = read_inertia(links[link], joint > 0, robot.urdf_path)
            body = pinocchio.Inertia(inertia.mass, np.zeros(3), np.diag(inertia.moments))
            model.appendBodyToJoint(joint, body, frame * pinocchio.SE3(inertia.frame))
        for child in by_parent.get(link, ()):
            if child.name in robot.joints:
                kind = pinocchio.JointModelRevoluteUnaligned(child.axis)
                columns[child.name] = len(columns)
                origin = frame * pinocchio.SE3(child.origin)
                add(child.child, model.addJoint(joint, kind, origin, child.name), _SAME)
            else:
                held = pinocchio.SE3(child.at(robot.held.get(child.name, 0.0)))
                add(child.child, joint, frame * held)

    for base in sorted(set(by_parent) - {joint.child for joint in robot.tree}):
        add(base, 0, _SAME)
    return model, [columns[joint] for joint in robot.joints]
