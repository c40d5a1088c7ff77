"""A node's state: in the log when it changes, and on `/diagnostics` once a second, too."""

import time
from collections.abc import Callable, Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from ddpg_ros.safety.state_machine import Mode, Safety

_EVERY = 1.0  # [s]
_LATCHED = (Mode.FAULT, Mode.ESTOP)


class Diagnostics:
    """Publishes one status: a level, a sentence and named values."""

    def __init__(
        self, node: Node, safety: Safety, auto_arm: bool, values: Callable[[], dict[str, object]]
    ) -> None:
        """Open the topic.

        Args:
            node: whose log and whose name to use.
            safety: whose state is published.
            auto_arm: the node arms by itself, so no line of the log asks the operator to.
            values: returns further values, by name.
        """
        self._node = node
        self._safety = safety
        self._auto_arm = auto_arm
        self._values = values
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._logged: object = None
        self._published: object = None
        self._published_at = -_EVERY

    def update(self, active: bool) -> None:
        """Log a state that has changed, and publish it; publish once a second in any case."""
        safety = self._safety
        state = (active, safety.mode, safety.latches)
        if state != self._logged:
            self._logged = state
            self._log(active)
        now = time.monotonic()
        whole = (*state, safety.cause)
        if whole != self._published or now - self._published_at >= _EVERY:
            self._published, self._published_at = whole, now
            self.report(active)

    def _log(self, active: bool) -> None:
        safety, log = self._safety, self._node.get_logger()
        if safety.mode in _LATCHED:
            log.error(f"{safety.mode.value}: {safety.cause}; ~/reset and ~/arm bring it back")
        elif safety.mode is Mode.DISARMED and active and not self._auto_arm:
            what = "what carries the arm" if safety.guard.carrier.carries else "zero torque"
            log.info(f"disarmed, sending {what}: call ~/arm when the arm may move")
        elif safety.armed and safety.latches:
            log.info(f"{safety.mode.value} again, after {safety.latches} latched fault(s)")
        elif safety.mode is Mode.ACTIVE and not self._auto_arm:
            log.info("active: the arm may move")

    def report(self, active: bool) -> None:
        """Publish the present state and values."""
        safety = self._safety
        sentence = safety.cause or safety.mode.value if active else "inactive"
        values = safety_values(safety, time.monotonic()) | self._values()
        self.publish(level_of(safety), sentence, values)

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
    """Return how bad the safety's state is: error if latched, warning if held back."""
    if safety.mode in _LATCHED:
        return bytes(DiagnosticStatus.ERROR)
    return bytes(DiagnosticStatus.WARN if safety.cause else DiagnosticStatus.OK)


def safety_values(safety: Safety, now: float) -> dict[str, object]:
    """Return the values of the safety states and the guard, by name."""
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
