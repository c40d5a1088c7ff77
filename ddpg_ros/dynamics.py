"""The arm's mass matrix, from the masses and inertias that its URDF states."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pinocchio
from numpy.typing import NDArray

from ddpg_ros.errors import RobotError
from ddpg_ros.kinematics import Joint
from ddpg_ros.robot import Robot
from ddpg_ros.types import Vector
from ddpg_ros.urdf import read_inertials, read_joint, read_urdf

Matrix = NDArray[np.float64]

_SAMPLES = 512  # positions at which the range of an arm is looked at
_LEAST = 1e-12  # [kg·m²] a joint that moves less than this moves no mass


class MassMatrix:
    """M(q) of the commanded joints; joints that are not commanded stand still at 0.

    The composite rigid body algorithm is pinocchio's.
    """

    def __init__(self, path: Path, joints: tuple[str, ...], lower: Vector, upper: Vector) -> None:
        """Read what the links of an arm weigh.

        Args:
            path: its URDF.
            joints: the n commanded joints, in order.
            lower: (n,) lower position limits [rad]; −inf if the joint turns freely.
            upper: (n,) upper position limits [rad].

        Raises:
            RobotError: an `<inertial>` that is none, or a mass matrix that no rigid bodies have.
        """
        self._model, order = _model(path, joints)
        self._data = self._model.createData()
        self._in_order = order == sorted(order)
        self._order = order
        self._square = np.ix_(order, order)
        low = np.where(np.isfinite(lower), lower, -np.pi)
        high = np.where(np.isfinite(upper), upper, np.pi)
        spread = np.random.default_rng(0).uniform(low, high, (_SAMPLES, len(order)))
        self.samples: Matrix = np.array([self.at(position) for position in spread])
        """M at positions spread over the joints' ranges, (m, n, n) [kg·m²]."""
        self.heaviest: Vector = self.samples.diagonal(axis1=1, axis2=2).max(axis=0)
        """Largest inertia that each joint moves while the others stand still, (n,) [kg·m²]."""
        self.known = self.heaviest > _LEAST
        """Whether each joint moves a mass that the URDF states, (n,)."""
        moving = self.samples[:, self.known][:, :, self.known]
        if moving.size and not (np.linalg.eigvalsh(moving)[:, 0] > 0.0).all():
            raise RobotError(
                f"{path}: the <inertial> of its links contradict each other, as the "
                "mass matrix is not positive definite; expected, for each link, a mass above 0 kg "
                "and ixx, iyy, izz above 0 kg·m², each at most the sum of the other two."
            )

    def at(self, position: Vector) -> Matrix:
        """Return M(q), (n, n) [kg·m²]; `position` is (n,) [rad]."""
        if self._in_order:
            return np.array(pinocchio.crba(self._model, self._data, position))
        angles = np.empty(len(self._order))
        angles[self._order] = position
        return np.array(pinocchio.crba(self._model, self._data, angles)[self._square])

    def inverse(self, position: Vector) -> Matrix:
        """Return M(q)⁻¹, (n, n) [1/(kg·m²)]; zero for joints that move no known mass.

        Its diagonal is how fast a joint gives way to its own torque while the others are free.
        """
        if self.known.all():
            if self._in_order:
                return np.array(pinocchio.computeMinverse(self._model, self._data, position))
            angles = np.empty(len(self._order))
            angles[self._order] = position
            return np.array(
                pinocchio.computeMinverse(self._model, self._data, angles)[self._square]
            )
        moving = np.ix_(self.known, self.known)
        inverse = np.zeros((len(self.known), len(self.known)))
        inverse[moving] = np.linalg.pinv(self.at(position)[moving], hermitian=True)
        return inverse

    def share(self, gains: Vector, period: float) -> float:
        """Return the largest eigenvalue of T M(q)⁻¹ K over the range of positions.

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

    def lightest(self) -> Vector:
        """Return the least inertia that each joint moves while the others are free, (n,) [kg·m²].

        Zero for a joint without mass.
        """
        least = np.zeros(len(self.known))
        moving = self.samples[:, self.known][:, :, self.known]
        if moving.size:
            inverse = np.linalg.inv(moving).diagonal(axis1=1, axis2=2)
            least[self.known] = 1.0 / inverse.max(axis=0)
        return least


def mass_matrix(robot: Robot) -> MassMatrix:
    """Return an arm's mass matrix, worked out once for each file and choice of joints.

    Raises:
        RobotError: as `MassMatrix`.
    """
    file = robot.urdf_path.stat()
    limits = tuple(robot.lower.tolist()), tuple(robot.upper.tolist())
    return _remembered(robot.urdf_path, robot.joints, *limits, (file.st_mtime_ns, file.st_size))


@lru_cache(maxsize=16)
def _remembered(
    path: Path,
    joints: tuple[str, ...],
    lower: tuple[float, ...],
    upper: tuple[float, ...],
    written: tuple[int, int],
) -> MassMatrix:
    return MassMatrix(path, joints, np.array(lower), np.array(upper))


def _model(path: Path, commanded: tuple[str, ...]) -> tuple[pinocchio.Model, list[int]]:
    """Return pinocchio's model of an arm, and the column of each commanded joint in it."""
    joints = [read_joint(element, path) for element in read_urdf(path)[1].values()]
    inertials = read_inertials(path)
    model = pinocchio.Model()
    columns: dict[str, int] = {}

    def add(link: str, joint: int, placement: pinocchio.SE3) -> None:
        inertial = inertials.get(link)
        if inertial is not None:
            body = pinocchio.Inertia(inertial.mass, np.zeros(3), inertial.inertia)
            model.appendBodyToJoint(joint, body, placement * pinocchio.SE3(inertial.frame))
        for child in by_parent.get(link, ()):
            origin = placement * pinocchio.SE3(child.origin)
            if child.name in commanded:
                kind = pinocchio.JointModelRevoluteUnaligned(child.axis)
                columns[child.name] = len(columns)
                moved = model.addJoint(joint, kind, origin, child.name)
                add(child.child, moved, pinocchio.SE3.Identity())
            else:
                add(child.child, joint, origin)

    by_parent: dict[str, list[Joint]] = {}
    for one in joints:
        by_parent.setdefault(one.parent, []).append(one)
    children = {one.child for one in joints}
    for root in sorted(set(by_parent) - children):
        add(root, 0, pinocchio.SE3.Identity())
    return model, [columns[joint] for joint in commanded]
