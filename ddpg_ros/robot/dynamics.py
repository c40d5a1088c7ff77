"""The arm's mass matrix M(q) and weight g(q), from its URDF and its payload."""

import math

import numpy as np
import pinocchio
from numpy.typing import NDArray

from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.inertia import read_inertia
from ddpg_ros.robot.kinematics import Joint, joint_model
from ddpg_ros.robot.numbers import read_number
from ddpg_ros.robot.payload import NO_PAYLOAD, Payload
from ddpg_ros.types import Vector

Matrix = NDArray[np.float64]

GRAVITY = 9.81
"""Standard gravity, rounded as the settings have it [m/s²]."""

_SAMPLES = 256  # positions at which M(q) is evaluated, to bound it over the arm's range
_IDENTITY = pinocchio.SE3.Identity()
_HAS_ARMATURE = hasattr(pinocchio.Model, "armature")
"""Pinocchio 2.7 has none. It is the last that pip has for numpy 1, Ubuntu 24.04's."""
_REGULARISATION = 1e-7  # armature of each joint, relative to its largest inertia
_LARGEST = 1e9  # [kg·m²], [N·m], [N·m·s/rad] no arm has a larger inertia, friction or damping
_SMALLEST = 1e-12  # [kg·m²] a joint that moves less than this counts as one without mass


class MassMatrix:
    """M(q) of the commanded joints, by pinocchio; the other joints are held.

    A joint may move no mass, because URDF makes `<inertial>` optional. The inverse and the bounds
    below then cover the other joints alone, and are 0 for this one.
    """

    def __init__(
        self, robot: Robot, payload: Payload = NO_PAYLOAD, gravity: float = GRAVITY
    ) -> None:
        """Read the inertias of an arm's links; evaluate M(q) and g(q) over the joints' ranges.

        Args:
            robot: the arm.
            payload: what the arm carries at its tip.
            gravity: along −z of the base frame [m/s²].

        Raises:
            RobotError: a bad `<inertial>`, or a mass matrix that no rigid bodies have.
        """
        self.model, order = _model(robot, payload)
        """Pinocchio's model, with its joints from base to tip."""
        self.model.gravity.linear = np.array([0.0, 0.0, -gravity])
        self._data = self.model.createData()
        self._order = order
        self._in_order = order == sorted(order)
        self._square = np.ix_(order, order)
        self._damping = read_damping(robot)
        low = np.where(np.isfinite(robot.lower), robot.lower, -np.pi)
        high = np.where(np.isfinite(robot.upper), robot.upper, np.pi)
        turn = np.where(robot.sliding, np.inf, 2.0 * np.pi)
        high = np.minimum(high, low + turn)  # M(q) repeats after a turn
        spread = np.random.default_rng(0).uniform(low, high, (_SAMPLES, len(order)))
        self._spread = spread
        self._added = np.zeros((len(order), len(order)))  # armature that the model has not
        with np.errstate(all="ignore"):
            samples = np.array([self.at(position) for position in spread])
        self.heaviest: Vector = samples.diagonal(axis1=1, axis2=2).max(axis=0)
        """Largest inertia that each joint moves while the others are held, (n,) [kg·m²]."""
        self.known = ~(self.heaviest <= _SMALLEST)
        """Whether each joint moves a mass that the URDF states, (n,)."""
        moving = samples[:, self.known][:, :, self.known]
        too_large = not bool(np.isfinite(moving).all() and (np.abs(moving) < _LARGEST).all())
        if too_large or (moving.size and not (np.linalg.eigvalsh(moving)[:, 0] > 0.0).all()):
            centre = " ".join(f"{place:g}" for place in payload.centre)
            carried = f" with {payload.mass:g} kg at {centre} m" if payload.mass else ""
            problem = f"above {_LARGEST:g} kg·m²" if too_large else "not positive definite"
            raise RobotError(
                f"{robot.urdf_path}: no rigid bodies have the <inertial> of its links{carried}: "
                f"the mass matrix is {problem}; expected, for each link, a mass above 0 kg and "
                "ixx, iyy, izz above 0 kg·m², each at most the sum of the other two."
            )
        # M(q) of a point mass is singular at the single position that puts it on a joint's axis.
        self._armature = np.empty(len(order))  # [kg·m²], in the model's order
        self._armature[order] = np.where(self.known, _REGULARISATION * self.heaviest, 0.0)
        if _HAS_ARMATURE:
            self.model.armature[:] = self._armature
        else:
            self._added = np.diag(self._armature[order])
        self._all_known = bool(self.known.all())
        self._by_time: dict[float, tuple[pinocchio.Model, pinocchio.Data]] = {}
        self.samples: Matrix = samples + np.diag(self._armature[order])
        """M at positions spread over the joints' ranges, (m, n, n) [kg·m²]."""
        self.heaviest_weight: Vector = np.abs([self.weight(at) for at in spread]).max(axis=0)
        """Largest |g(q)| of each joint over the joints' ranges, (n,) [N·m]."""

    def at(self, position: Vector) -> Matrix:
        """Return M(q), (n, n) [kg·m²]; `position` is (n,) [rad]."""
        mass = np.array(pinocchio.crba(self.model, self._data, self._ordered(position)))
        mass = mass if self._in_order else mass[self._square]
        return mass if _HAS_ARMATURE else mass + self._added

    def weight(self, position: Vector) -> Vector:
        """Return g(q), the torque that carries the arm's weight and its payload's, (n,) [N·m].

        Args:
            position: (n,) [rad].
        """
        model, ordered = self.model, self._ordered(position)
        torque = np.array(pinocchio.computeGeneralizedGravity(model, self._data, ordered))
        return torque if self._in_order else torque[self._order]

    def fall_rate(self) -> float:
        """Return the largest rate at which the arm falls away from a position [1/s].

        It is λ of e^(λt), for a constant torque g(q): λ² is the largest eigenvalue of −M⁻¹ ∂g/∂q
        over the joints' ranges, such as gravity over length of a pendulum that stands.
        """
        largest = 0.0
        data, moving = self.model.createData(), np.ix_(self.known, self.known)
        for position, mass in zip(self._spread, self.samples, strict=True):
            ordered = self._ordered(position)
            slope = pinocchio.computeGeneralizedGravityDerivatives(self.model, data, ordered)
            slope = np.array(slope)[self._square][moving]
            if slope.size:
                rates = np.linalg.eigvals(np.linalg.solve(mass[moving], -slope)).real
                largest = max(largest, float(rates.max()))
        return math.sqrt(largest)

    def _ordered(self, numbers: Vector) -> Vector:
        """Return values of the robot's joints, (n,), in the order of pinocchio's model."""
        if self._in_order:
            return numbers
        ordered = np.empty(len(self._order))
        ordered[self._order] = numbers
        return ordered

    def inverse(self, position: Vector, damped_for: float = 0.0) -> Matrix:
        """Return (M(q) + t D)⁻¹, (n, n) [1/(kg·m²)]; 0 for joints without mass.

        D is the joint damping that the URDF states. The diagonal is each joint's acceleration
        under a unit torque of its own while the other joints are free.

        Args:
            position: (n,) [rad].
            damped_for: t [s], the time for which damping acts.
        """
        if self._all_known and _HAS_ARMATURE:
            model, data = self._softened(damped_for)
            inverse = np.array(pinocchio.computeMinverse(model, data, self._ordered(position)))
            return inverse if self._in_order else inverse[self._square]
        mass = self.at(position) + np.diag(damped_for * self._damping)
        moving = np.ix_(self.known, self.known)
        partial = np.zeros_like(mass)
        partial[moving] = np.linalg.inv(mass[moving])
        return partial

    def _softened(self, damped_for: float) -> tuple[pinocchio.Model, pinocchio.Data]:
        """Return the model to whose inertia t D is added; kept, as a control loop asks for few."""
        if damped_for not in self._by_time:
            model = self.model.copy()
            model.armature[:] = self._armature + self._ordered(damped_for * self._damping)
            self._by_time[damped_for] = model, model.createData()
        return self._by_time[damped_for]

    def share(self, gains: Vector, period: float) -> float:
        """Return the largest eigenvalue of T M(q)⁻¹ K over the joints' ranges.

        It is the share of the velocity that a torque −K v, held for one period, removes from the
        fastest mode of the arm; above 1 the torque reverses that mode, above 2 it excites it.

        Args:
            gains: (n,) the diagonal of K [N·m·s/rad]; joints without mass do not count.
            period: T [s].
        """
        if not self.known.any():
            return 0.0
        root = np.sqrt(gains[self.known])
        moving = self.samples[:, self.known][:, :, self.known]
        symmetric = root[:, None] * np.linalg.inv(moving) * root
        return period * float(np.linalg.eigvalsh(symmetric)[:, -1].max())

    def lightest(self, damped_for: float = 0.0) -> Vector:
        """Return the smallest inertia that each joint moves while the others are free.

        Args:
            damped_for: the time for which the URDF's joint damping adds to the inertia [s].

        Returns:
            (n,) [kg·m²], the minimum over the joints' ranges; 0 for a joint without mass.
        """
        least = np.zeros(len(self.known))
        damping = np.diag(damped_for * self._damping)
        moving = (self.samples + damping)[:, self.known][:, :, self.known]
        if moving.size:
            inverse = np.linalg.inv(moving).diagonal(axis1=1, axis2=2)
            least[self.known] = 1.0 / inverse.max(axis=0)
        return least


def read_damping(robot: Robot) -> Vector:
    """Return the URDF's damping of each joint, (n,) [N·m·s/rad]; 0 if the URDF states none."""
    return _read_dynamics(robot, "damping")


def read_friction(robot: Robot) -> Vector:
    """Return the URDF's Coulomb friction of each joint, (n,) [N·m]; 0 if the URDF states none."""
    return _read_dynamics(robot, "friction")


def _read_dynamics(robot: Robot, key: str) -> Vector:
    elements = {element.get("name"): element for element in robot.root().findall("joint")}
    stated = []
    for joint in robot.joints:
        where = f"{robot.urdf_path}: joint '{joint}'"
        number = read_number(elements[joint], "dynamics", key, 0.0, where)
        if number < 0.0:
            raise RobotError(f"{where} has a {key} of {number:g}; expected none below 0.")
        if number > _LARGEST:
            raise RobotError(f"{where} has a {key} of {number:g}; expected at most {_LARGEST:g}.")
        stated.append(number)
    return np.array(stated)


def _model(robot: Robot, payload: Payload) -> tuple[pinocchio.Model, list[int]]:
    """Return pinocchio's model of an arm, and the index of each commanded joint in it."""
    links = {link.get("name", ""): link for link in robot.root().findall("link")}
    by_parent: dict[str, list[Joint]] = {}
    for joint in robot.tree:
        by_parent.setdefault(joint.parent, []).append(joint)
    model = pinocchio.Model()

    bases = sorted(set(by_parent) - {joint.child for joint in robot.tree}, reverse=True)
    # Links yet to add: each with its commanded joint or None, the model's joint before it, 0 for
    # the base, and its frame there. The last comes first: the model wants whole branches.
    waiting: list[tuple[str, Joint | None, int, pinocchio.SE3]]
    waiting = [(base, None, 0, _IDENTITY) for base in bases]
    while waiting:
        link, commanded, parent, frame = waiting.pop()
        if commanded is not None:
            parent = model.addJoint(parent, joint_model(commanded), frame, commanded.name)
            frame = _IDENTITY
        if link in links:
            inertia = read_inertia(links[link], parent > 0, robot.urdf_path)
            body = pinocchio.Inertia(inertia.mass, np.zeros(3), np.diag(inertia.moments))
            model.appendBodyToJoint(parent, body, frame * pinocchio.SE3(inertia.frame))
        if link == robot.tip and payload.mass:
            point = pinocchio.Inertia(payload.mass, np.array(payload.centre), np.zeros((3, 3)))
            model.appendBodyToJoint(parent, point, frame)
        for child in reversed(by_parent.get(link, [])):
            moves = child.name in robot.joints
            at = child.origin if moves else child.at(robot.held.get(child.name, 0.0))
            place = frame * pinocchio.SE3(at)
            waiting.append((child.child, child if moves else None, parent, place))
    return model, [model.getJointId(joint) - 1 for joint in robot.joints]
