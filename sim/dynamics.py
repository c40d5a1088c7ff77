"""An arm's equation of motion, as PyBullet has it: M(q) dv/dt = τ − h(q, v) − D v.

Here: the checks of M before the first step, and the joints' damping where PyBullet's own fails.
PyBullet damps explicitly, v ← v − dt M⁻¹ D v: where dt times the largest eigenvalue of M⁻¹ D is
beyond 2, that makes motion instead of taking it.
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

EXPLICIT = 1.25
"""Largest dt · eigenvalue of M⁻¹ D that is left to PyBullet; unstable from 2."""

_SAMPLES = 100  # positions at which to look
_NOTHING = 1e-12  # of the largest eigenvalue of M: zero, but for rounding


class Dynamics:
    """M and h of an arm whose commanded joints are all that moves."""

    def __init__(
        self, client: int, body: int, joints: list[int], robot: Robot, suspects: Sequence[str] = ()
    ) -> None:
        """Take an arm.

        Args:
            client: PyBullet's.
            body: the arm.
            joints: PyBullet's indices of the joints, in the robot's order.
            robot: the arm.
            suspects: links to name where PyBullet finds no M.
        """
        self._suspects = ", ".join(suspects) or "all"
        self._own: dict[str, Any] = {"physicsClientId": client}
        self._body = body
        self._robot = robot
        self._to_bullet = np.argsort(joints)  # PyBullet's arrays are in the order of its indices
        self._from_bullet = np.argsort(self._to_bullet)
        self._square = np.ix_(self._from_bullet, self._from_bullet)

    def mass_matrix(self, position: Vector) -> NDArray[np.float64]:
        """Return M, (n, n) [kg·m²], at a position, (n,) [rad]."""
        ordered = position[self._to_bullet].tolist()
        try:
            matrix = np.array(pybullet.calculateMassMatrix(self._body, ordered, **self._own))
        except (pybullet.error, SystemError):
            raise RobotError(
                f"{self._robot.urdf_path} has no mass matrix: expected in <inertial> moments of "
                "which none is larger than the other two together, about the principal axes. "
                f"Mend the links: {self._suspects}."
            ) from None
        own: NDArray[np.float64] = matrix[self._square]
        return own

    def bias(self, position: Vector, velocity: Vector) -> Vector:
        """Return h: what gravity, Coriolis and centrifugal force take, (n,) [N·m]."""
        q, v = position[self._to_bullet].tolist(), velocity[self._to_bullet].tolist()
        torque = pybullet.calculateInverseDynamics(self._body, q, v, [0.0] * len(q), **self._own)
        own: Vector = np.array(torque)[self._from_bullet]
        return own

    def largest_rate(self, damping: Vector) -> float:
        """Return the largest eigenvalue of M⁻¹ D [1/s] of many positions.

        Args:
            damping: (n,) the diagonal of D [N·m·s/rad].

        Raises:
            RobotError: a joint that moves no mass.
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
        """Yield positions within the limits: as near to 0 as they let, then some at random."""
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
        if values[0] > _NOTHING * values[-1]:
            return
        own = np.diag(matrix)
        none = own.min() <= _NOTHING * own.max()
        worst = int(np.argmin(own) if none else np.argmax(np.abs(vectors[:, 0])))
        robot = self._robot
        joint = next(one for one in robot.tree if one.name == robot.joints[worst])
        raise RobotError(
            f"{robot.urdf_path}: joint '{joint.name}' moves an inertia of "
            f"{own[worst] if none else values[0]:.3g} kg·m², with which no simulator can move it; "
            f"expected an <inertial> with mass and inertia on link '{joint.child}' or on those "
            "that it carries."
        )


class ImplicitDamping:
    """Damping by the velocity at the end of a step, which comes to rest at any time step.

    (M + dt D) (v⁺ − v) = dt (τ − h − D v); the joints are given τ − D v⁺.
    """

    def __init__(self, dynamics: Dynamics, damping: Vector, timestep: float) -> None:
        """Take an arm, the diagonal of D, (n,) [N·m·s/rad], and dt [s]."""
        self._dynamics = dynamics
        self._damping = damping
        self._timestep = timestep
        self._added = np.diag(timestep * damping)

    def torque(self, applied: Vector, position: Vector, velocity: Vector) -> Vector:
        """Return what is left of a torque when the damping has taken its own, (n,) [N·m]."""
        matrix = self._dynamics.mass_matrix(position) + self._added
        driving = applied - self._dynamics.bias(position, velocity) - self._damping * velocity
        after = velocity + np.linalg.solve(matrix, self._timestep * driving)
        left: Vector = applied - self._damping * after
        return left
