"""Old values under new stamps: joint states that stand while the arm moves."""

from collections.abc import Sequence

from ddpg_ros.errors import JointStateError
from ddpg_ros.types import Vector

_MOVES = 0.002  # of the velocity limit: what is slower may be an arm at rest
_WAY = 0.02  # [rad] that a joint has gone by its velocity, and its position has not
_LEAST = 3  # states that are the same


class Stillness:
    """Knows for how long position and velocity have been the same to the last bit.

    A measurement of an arm that moves is never twice the same. Of an arm at rest it may be:
    whether a state of zero velocity is old cannot be known.
    """

    def __init__(self, joints: Sequence[str], velocity_limit: Vector) -> None:
        """Take n names, for the sentence, and the limits, (n,) [rad/s]."""
        self._joints = tuple(joints)
        self._moves = [_MOVES * limit for limit in velocity_limit.tolist()]
        self._position: list[float] = []
        self._velocity: list[float] = []
        self._since = 0  # stamp of the first of the same values [ns]
        self._count = 0  # states after it

    def forget(self) -> None:
        """Begin anew: stamps are of another clock."""
        self._position, self._count = [], 0

    def require_change(self, stamp: int, position: list[float], velocity: list[float]) -> None:
        """Take a state, n [rad] and n [rad/s], that is stamped later [ns] than the one before.

        Raises:
            JointStateError: the values are the same for longer than the velocity allows.
        """
        if position != self._position or velocity != self._velocity:
            self._position, self._velocity = position, velocity
            self._since, self._count = stamp, 0
            return
        self._count += 1
        if self._count < _LEAST:
            return
        passed = 1e-9 * (stamp - self._since)
        for joint, speed, least in zip(self._joints, velocity, self._moves, strict=True):
            if abs(speed) > least and abs(speed) * passed > _WAY:
                raise JointStateError(
                    f"position and velocity are the same to the last bit for {passed:.3g} s, "
                    f"while joint '{joint}' reports {speed:.4g} rad/s: old values under new "
                    "stamps; publish a state when it is measured, with the time of its measurement"
                )

    def before(self, stamp: int) -> str:
        """Say, for a sentence about a jump, that the values stood until a stamp [ns]; or ''."""
        if self._count < _LEAST:
            return ""
        passed = 1e-9 * (stamp - self._since)
        return (
            f". Before that the values were the same for {passed:.3g} s: they change more slowly "
            "than their stamps, which must be the times of measurement"
        )
