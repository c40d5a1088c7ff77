"""What a node says of itself on `/diagnostics`: once a second, and when its state changes."""

import time
from collections.abc import Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from ddpg_ros.safety.state_machine import Mode, Safety

_EVERY = 1.0  # [s]
_LEVELS = {Mode.FAULT: DiagnosticStatus.ERROR, Mode.ESTOP: DiagnosticStatus.ERROR}


class Diagnostics:
    """Publishes one status: a level, a sentence and named values."""

    def __init__(self, node: Node) -> None:
        """Open the topic."""
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._said: object = None
        self._said_at = -_EVERY

    def due(self, state: object) -> bool:
        """Whether to publish now: the state is another, or a second has passed."""
        now = time.monotonic()
        if state == self._said and now - self._said_at < _EVERY:
            return False
        self._said, self._said_at = state, now
        return True

    def publish(self, level: bytes, sentence: str, values: Mapping[str, object]) -> None:
        """Publish a status."""
        pairs = [KeyValue(key=key, value=_text(value)) for key, value in values.items()]
        name = self._node.get_fully_qualified_name()
        status = DiagnosticStatus(level=level, name=name, message=sentence, values=pairs)
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def close(self) -> None:
        """Leave the topic."""
        self._node.destroy_publisher(self._publisher)


def level_of(safety: Safety) -> bytes:
    """Return how bad the safety's state is: error where latched, warning where held back."""
    held_back = DiagnosticStatus.WARN if safety.cause else DiagnosticStatus.OK
    level: bytes = _LEVELS.get(safety.mode, held_back)
    return level


def safety_values(safety: Safety, now: float) -> dict[str, object]:
    """Return what there is to say of the safety states and the guard."""
    guard = safety.guard
    share = float(np.max(np.abs(guard.last) / guard.limits.torque))
    counts = {f"guard.{stage}": count for stage, count in guard.counts._asdict().items()}
    return {
        "state": safety.mode.value,
        "cause": safety.cause,
        "authority": safety.authority,
        "joint_states.age_s": safety.age(now),
        "torque_of_limit": share,
        "latches": safety.latches,
        "degradations": safety.degradations,
        "late_warnings": safety.warnings,
        **counts,
    }


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
