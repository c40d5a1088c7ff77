"""The simulated arm's equation of motion, M(q) dv/dt = τ − h(q, v) − D v.

This module checks M before the first step, and replaces PyBullet's joint damping if that is
unstable. PyBullet damps explicitly, v ← v − dt M⁻¹ D v, which adds energy if dt times the largest
eigenvalue of M⁻¹ D exceeds 2.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.types import Vector
from sim.bullet import pybullet, quiet

EXPLICIT_LIMIT = 1.25
"""Largest dt · eigenvalue of M⁻¹ D for which PyBullet damps; the stability limit is 2."""

_SAMPLES = 100  # random positions at which M is checked
_NEGLIGIBLE = 1e-12  # relative to the largest eigenvalue of M: 0 up to rounding


class Dynamics:
    """M and h of an arm that moves by its commanded joints alone, computed by PyBullet."""

    def __init__(
        self, client: int, body: int, joints: list[int], robot: Robot, suspects: Sequence[str] = ()
    ) -> None:
        """Wrap a loaded arm.

        Args:
            client: PyBullet's client.
            body: PyBullet's index of the arm.
            joints: PyBullet's indices of the joints, in the robot's order.
            robot: the arm.
            suspects: links to name in the error message if PyBullet finds no M.
        """
        self._suspects = ", ".join(suspects) or "all"
        self._own: dict[str, Any] = {"physicsClientId": client}
        self._body = body
        self._robot = robot
        # PyBullet's arrays are in the order of its indices.
        self._to_bullet: list[int] = np.argsort(joints).tolist()
        self._from_bullet: list[int] = np.argsort(self._to_bullet).tolist()
        self._still = [0.0] * len(joints)
        self._square = np.ix_(self._from_bullet, self._from_bullet)

    def mass_matrix(self, position: Vector) -> NDArray[np.float64]:
        """Return M, (n, n) [kg·m²], at a position, (n,) [rad].

        Raises:
            RobotError: PyBullet finds no M, because an `<inertial>` is not physical.
        """
        ordered = position[self._to_bullet].tolist()
        try:
            matrix = np.array(pybullet.calculateMassMatrix(self._body, ordered, **self._own))
        except (pybullet.error, SystemError):
            raise RobotError(
                f"{self._robot.urdf_path} has no mass matrix: expected in <inertial> moments of "
                "which none is larger than the other two together, about the principal axes. "
                f"Fix the links: {self._suspects}."
            ) from None
        own: NDArray[np.float64] = matrix[self._square]
        return own

    def bias(self, position: Vector, velocity: Vector) -> Vector:
        """Return h, the torque against gravity, Coriolis and centrifugal forces, (n,) [N·m]."""
        q, v = position[self._to_bullet].tolist(), velocity[self._to_bullet].tolist()
        torque = pybullet.calculateInverseDynamics(self._body, q, v, [0.0] * len(q), **self._own)
        own: Vector = np.array(torque)[self._from_bullet]
        return own

    def weight(self, position: Sequence[float]) -> list[float]:
        """Return g(q), the torques that carry the arm's weight, n numbers [N·m]."""
        q, still = [position[at] for at in self._to_bullet], self._still
        torque = pybullet.calculateInverseDynamics(self._body, q, still, still, **self._own)
        return [torque[at] for at in self._from_bullet]

    def largest_rate(self, damping: Vector) -> float:
        """Return the largest eigenvalue of M⁻¹ D [1/s] over many positions.

        Args:
            damping: the diagonal of D, (n,) [N·m·s/rad].

        Raises:
            RobotError: a joint moves no mass.
        """
        root = np.sqrt(damping)
        largest = 0.0
        with quiet():
            for position in self._positions():
                matrix = self.mass_matrix(position)
                self._require_inertia(matrix)
                rates = np.linalg.eigvalsh(root[:, None] * np.linalg.inv(matrix) * root)
                largest = max(largest, float(rates[-1]))
        return largest

    def _positions(self) -> Iterator[Vector]:
        """Yield positions within the limits: the nearest to 0, then random ones."""
        rng = np.random.default_rng(0)
        lower, upper = self._robot.lower, self._robot.upper
        rest = np.clip(np.zeros(len(lower)), lower, upper)
        lower, upper = np.maximum(lower, rest - math.pi), np.minimum(upper, rest + math.pi)
        yield rest
        for _ in range(_SAMPLES):
            drawn = rng.uniform(lower, upper)
            yield np.where(rng.random(len(rest)) < 0.25, rest, drawn)

    def _require_inertia(self, matrix: NDArray[np.float64]) -> None:
        values, vectors = np.linalg.eigh(matrix)
        if values[0] > _NEGLIGIBLE * values[-1]:
            return
        own = np.diag(matrix)
        massless = own.min() <= _NEGLIGIBLE * own.max()
        worst = int(np.argmin(own) if massless else np.argmax(np.abs(vectors[:, 0])))
        robot = self._robot
        joint = next(joint for joint in robot.tree if joint.name == robot.joints[worst])
        raise RobotError(
            f"{robot.urdf_path}: joint '{joint.name}' moves an inertia of "
            f"{own[worst] if massless else values[0]:.3g} kg·m², too little for a simulation; "
            f"expected an <inertial> with mass and inertia on link '{joint.child}' or on those "
            "that it carries."
        )


class ImplicitDamping:
    """Joint damping by the velocity v⁺ at the end of a step, which is stable at any time step.

    v⁺ solves (M + dt D) (v⁺ − v) = dt (τ − h − D v). PyBullet then applies τ − D v⁺.
    """

    def __init__(self, dynamics: Dynamics, damping: Vector, timestep: float) -> None:
        """Damp an arm.

        Args:
            dynamics: of the arm.
            damping: the diagonal of D, (n,) [N·m·s/rad].
            timestep: dt [s].
        """
        self._dynamics = dynamics
        self._damping = damping
        self._timestep = timestep
        self._added = np.diag(timestep * damping)

    def torque(self, applied: Vector, position: Vector, velocity: Vector) -> Vector:
        """Return the torque less the damping of the coming step, (n,) [N·m].

        Args:
            applied: τ, (n,) [N·m].
            position: (n,) [rad].
            velocity: (n,) [rad/s].
        """
        matrix = self._dynamics.mass_matrix(position) + self._added
        driving = applied - self._dynamics.bias(position, velocity) - self._damping * velocity
        next_velocity = velocity + np.linalg.solve(matrix, self._timestep * driving)
        damped: Vector = applied - self._damping * next_velocity
        return damped
