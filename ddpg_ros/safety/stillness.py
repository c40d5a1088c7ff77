"""Detects old values under new stamps: joint states that repeat while the arm moves."""

from collections.abc import Sequence

from ddpg_ros.errors import JointStateError
from ddpg_ros.types import Vector

_MOVING = 0.002  # of the velocity limit; a slower arm may be at rest
_TRAVEL = 0.02  # [rad] that a joint should have moved by its velocity
_REPEATS = 3  # identical states before a verdict


class Stillness:
    """Measures for how long position and velocity have been identical to the last bit.

    Two measurements of a moving arm are never identical. Those of an arm at rest may be, so old
    values with zero velocity cannot be detected.
    """

    def __init__(self, joints: Sequence[str], velocity_limit: Vector) -> None:
        """Start without a state.

        Args:
            joints: n names, for error messages.
            velocity_limit: (n,) [rad/s].
        """
        self._joints = tuple(joints)
        self._moving = [_MOVING * limit for limit in velocity_limit.tolist()]
        self._position: list[float] = []
        self._velocity: list[float] = []
        self._since = 0  # [ns] stamp of the first of the identical states
        self._count = 0  # identical states after it

    def forget(self) -> None:
        """Start anew, because the stamps are now of another clock."""
        self._position, self._count = [], 0

    def require_change(self, stamp: int, position: list[float], velocity: list[float]) -> None:
        """Record a state and check that it is not an old one.

        Args:
            stamp: [ns], later than that of the state before.
            position: n [rad].
            velocity: n [rad/s].

        Raises:
            JointStateError: the values have been identical for longer than the velocity allows.
        """
        if position != self._position or velocity != self._velocity:
            self._position, self._velocity = position, velocity
            self._since, self._count = stamp, 0
            return
        self._count += 1
        if self._count < _REPEATS:
            return
        passed = 1e-9 * (stamp - self._since)
        for joint, speed, least in zip(self._joints, velocity, self._moving, strict=True):
            if abs(speed) > least and abs(speed) * passed > _TRAVEL:
                raise JointStateError(
                    "position and velocity have been identical to the last bit for "
                    f"{passed:.3g} s, while joint '{joint}' reports {speed:.4g} rad/s: old values "
                    "under new stamps; publish each state once, stamped with the time of its "
                    "measurement"
                )

    def before(self, stamp: int) -> str:
        """Return a hint for the message on a jump, if the values repeated until `stamp` [ns]."""
        if self._count < _REPEATS:
            return ""
        passed = 1e-9 * (stamp - self._since)
        return (
            f". Before that the values were identical for {passed:.3g} s: they change more slowly "
            "than their stamps, which must be the times of measurement"
        )
