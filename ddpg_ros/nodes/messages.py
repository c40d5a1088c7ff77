"""sensor_msgs/JointState to numpy and back, joints matched by name."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState as JointStateMessage

from ddpg_ros.errors import JointStateError
from ddpg_ros.types import JointState, Vector


class JointMap:
    """Maps the joints of a message to the robot's order.

    Order, extra joints and a change of order between messages do not matter; the order of the
    last message is remembered, so that the usual message costs one list comparison.
    """

    def __init__(self, joints: Sequence[str]) -> None:
        """Take the robot's joint names, in the robot's order."""
        self._joints = list(joints)
        self._names: list[str] = []
        self._index = np.zeros(len(self._joints), dtype=np.intp)

    def state(self, message: JointStateMessage) -> JointState:
        """Return the arrays of a joint state.

        Raises:
            JointStateError: a joint missing or named twice, arrays of unequal length (an empty
                velocity is one), a number that is not finite.
        """
        index = self._index_of(message.name)
        return JointState(
            stamp_to_ns(message),
            self._pick(message.position, "position", index),
            self._pick(message.velocity, "velocity", index),
        )

    def effort(self, message: JointStateMessage) -> Vector:
        """Return the torques of a command, (n,) [N·m]; raises as `state` does."""
        return self._pick(message.effort, "effort", self._index_of(message.name))

    def _index_of(self, names: list[str]) -> NDArray[np.intp]:
        if names != self._names or not names:
            if len(set(names)) != len(names):
                twice = sorted({name for name in names if names.count(name) > 1})
                raise JointStateError(f"joints named twice: {', '.join(twice)}")
            missing = [joint for joint in self._joints if joint not in names]
            if missing:
                raise JointStateError(
                    f"no joint {', '.join(missing)} in the message; it names: "
                    f"{', '.join(names) or 'none'}"
                )
            self._index = np.array([names.index(joint) for joint in self._joints], dtype=np.intp)
            self._names = list(names)
        return self._index

    def _pick(
        self,
        values: Sequence[float],
        what: str,
        index: NDArray[np.intp],
    ) -> Vector:
        if len(values) != len(self._names):
            raise JointStateError(f"{len(self._names)} names but {len(values)} of {what}")
        picked = np.asarray(values, dtype=np.float64)[index]
        if not np.isfinite(picked).all():
            raise JointStateError(f"{what} is not finite: {picked.tolist()}")
        return picked


def stamp_to_ns(message: JointStateMessage) -> int:
    """Return the header's stamp [ns]."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def set_stamp(message: JointStateMessage, stamp: int) -> None:
    """Write `stamp` [ns] into the header."""
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
