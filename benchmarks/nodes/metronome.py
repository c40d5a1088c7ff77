"""Plays a robot to an exact schedule and measures how long each torque takes, for `bench`.

A latency runs from the moment at which a state was to be sent, not from that at which it was: a
sender that is held up, by whatever it measures or by the machine, owns up to it (no coordinated
omission). States are matched to commands by their stamps. A torque of zero is no answer: a node
that is disarmed or has latched a fault sends those, and does less for them.

`python -m benchmarks.nodes.metronome --ros-args -p rate:=100.0 -p seconds:=20.0 -p file:=out.npy`
"""

import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from ddpg_ros.errors import MachineError
from ddpg_ros.ros.interface.messages import JointMap, JointStateWriter, stamp_to_ns
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.ros.runtime.node import MainNode

_LAST_ANSWERS = 1.0  # [s] after the last state; what comes later is missing
_PATIENCE = 150.0  # [s] until the first torque; the learner may have to start
_SWING = 0.3  # [rad]; slow, well within every limit
_SWING_RATE = 2.0 * math.pi * 0.5  # [rad/s]
_EFFORT = 1.0  # [N·m], measured; what an echo answers is a torque, too
_COMMANDS = QoSProfile(depth=100)  # no answer is lost while we send


class Metronome(MainNode):
    """Sends joint states on an absolute monotonic schedule, takes the commands.

    The arm stands still, so that it can be armed, until the first torque; then it swings.
    """

    def __init__(self, arguments: Arguments) -> None:
        """Read the parameters; the schedule begins at once, what counts when answers settled."""
        super().__init__("metronome", arguments)
        given = self.given
        rate = float(given["rate"])
        joints = list(given["joints"])
        self._file = Path(str(given["file"]))
        self._period = round(1e9 / rate)  # [ns]
        self._settle = round(float(given["settle"]) * rate)
        self._count = round(float(given["seconds"]) * rate)
        self._writer = JointStateWriter(joints)
        self._centre = [float(at) for at in given["centre"]]  # [rad]
        self._effort = [_EFFORT] * len(joints)
        self._joints = JointMap(joints)
        self._arrived = np.zeros(self._count, dtype=np.int64)  # [ns], monotonic; 0: missing
        self._sent = 0
        self._first: int | None = None  # number of the first state that counts
        self._states = self.create_publisher(JointState, "joint_states", QoSProfile(depth=1))
        commands = self.create_subscription(
            JointState, "joint_command", self._on_command, _COMMANDS, raw=True
        )
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        timer = self.create_timer(self._period / 1e9, self._send_due, clock=steady)
        self.urgent |= {commands, timer}
        # The timer keeps to multiples of its period, and so does what is intended.
        self._begin = time.monotonic_ns() + int(timer.time_until_next_call())
        self._epoch = time.time_ns()  # [ns], the stamp of the first state

    def _send_due(self) -> None:
        now = time.monotonic_ns()
        if now - self._begin > _PATIENCE * 1e9 and self._first is None:
            raise MachineError(f"no torque but zero came within {_PATIENCE:g} s.")
        end = math.inf if self._first is None else self._first + self._count
        while self._sent < end and self._intended(self._sent) <= now:
            self._send(self._sent)
            self._sent += 1
        if self._sent >= end and now - self._intended(self._sent) > _LAST_ANSWERS * 1e9:
            self._finish()

    def _send(self, number: int) -> None:
        swung = 0 if self._first is None else number - self._first + self._settle  # [periods]
        at = swung * self._period * 1e-9 * _SWING_RATE
        away = _SWING * (1.0 - math.cos(at)) / 2.0  # begins at rest
        velocity = _SWING * _SWING_RATE * math.sin(at) / 2.0
        self._states.publish(
            self._writer.write(
                self._epoch + number * self._period,
                self._effort,
                [centre + away for centre in self._centre],
                [velocity] * len(self._centre),
            )
        )

    def _on_command(self, message: bytes) -> None:
        now = time.monotonic_ns()
        if not self._joints.effort(message).any():
            return
        number, rest = divmod(stamp_to_ns(message) - self._epoch, self._period)
        if self._first is None:
            self._first = self._sent + self._settle
        at = number - self._first
        if rest == 0 and 0 <= at < self._count and self._arrived[at] == 0:
            self._arrived[at] = now

    def _intended(self, number: int) -> int:
        """When a state is to be sent [ns], monotonic."""
        return self._begin + number * self._period

    def _finish(self) -> None:
        assert self._first is not None
        intended = self._intended(self._first) + np.arange(self._count) * self._period
        latency = np.where(self._arrived > 0, (self._arrived - intended) * 1e-9, np.inf)
        np.save(self._file, latency)  # (count,) [s], inf where the answer is missing
        self.finished = True


def main(args: Sequence[str] | None = None) -> int:
    """Run until all is measured."""
    return run_node(Metronome, args)


if __name__ == "__main__":
    sys.exit(main())
