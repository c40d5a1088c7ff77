"""The simulator as a ROS node: the topics of a robot driver, with PyBullet behind them.

Lock-step (`run.clock: lockstep`): state k has the stamp t_k. The first command with the stamp t_k
advances time by one control period; the node ignores and counts every other command. After
`sim.republish_after` without an answer the node publishes the state again, so neither a lost nor
a duplicate message changes the run. The first stamp is one control period, and stamps never
decrease.

Real time: a steady timer advances the world by one control period each, with the last command, or
with zero torque if that is older than `sim.command_timeout`. If `robot.gravity` is `model`, zero
torque would drop the arm: then its brakes hold it, as they do before the first command. The node
does not catch up after a stall.

`~/reset` draws a new start state, from `numpy.random.SeedSequence((run.seed, 1))`, advances the
stamp and publishes. Its response's message is the new state's stamp [ns] as decimal text.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import JointState as JointStateMessage
from std_msgs.msg import String
from std_srvs.srv import Trigger

from ddpg_ros.config.task_registry import find_task
from ddpg_ros.errors import JointStateError, MachineError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.payload import Payload
from ddpg_ros.ros.interface.goals import GoalInput
from ddpg_ros.ros.interface.messages import JointMap, JointStateWriter, clock_to_bytes, stamp_to_ns
from ddpg_ros.ros.interface.parameters import Extra, read_config, refuse_unknown_types
from ddpg_ros.ros.interface.publishers import publishers_of, sole_publisher
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.ros.runtime.node import MainNode
from ddpg_ros.tasks.goals import POINT, GoalKind, is_finite
from ddpg_ros.types import Vector
from sim.recorder import Recorder
from sim.robot_description import shareable
from sim.world import World

EXTRA = {
    "gui": Extra(False, "Show PyBullet's window"),
    "record": Extra("", "Write a GIF of the first episodes to this file; empty: none"),
    "record_episodes": Extra(6, "Number of episodes in the GIF"),
    "resets_before": Extra(0, "Resets that a run which is resumed has had"),
}
"""Parameters besides the configuration."""

RELIABLE = QoSProfile(depth=1)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)

HOUSEKEEPING = 0.25  # [s] period of the timer; a signal waits at most this long
SETTLED = 16  # [timer periods] alone; one-way discovery can take over 3 s
_ADVICE = (
    "expected this simulator to be the only one. Stop the other, set ROS_DOMAIN_ID to another "
    "number, or start this one in a namespace (ddpg-ros train --namespace second; --ros-args -r "
    "__ns:=/second)."
)
PATIENCE = 40  # [timer periods] for which a settled simulator tolerates another publisher


class Simulator(MainNode):
    """One arm behind `joint_states` and `joint_command`."""

    def __init__(self, arguments: Arguments) -> None:
        """Read the parameters and load the arm.

        Args:
            arguments: the node's command line.

        Raises:
            DdpgRosError: an invalid parameter, URDF or setting.
        """
        super().__init__("simulator", arguments)
        refuse_unknown_types(self)
        self._config = config = read_config(self, EXTRA)
        robot = Robot.of(config)
        gui = bool(self.get_parameter("gui").value)
        self._world = World(
            robot,
            config.sim,
            gui=gui,
            payload=Payload.of(config.robot),
            driver_carries=config.robot.gravity == "driver",
        )
        self._has_brakes = config.robot.gravity == "model"
        for note in self._world.notes:
            self.get_logger().warning(note)
        self._rng = np.random.default_rng(np.random.SeedSequence((config.run.seed, 1)))
        record = str(self.get_parameter("record").value)
        episodes = int(self.get_parameter("record_episodes").value or 0)
        self._recorder = Recorder(self._world, Path(record), episodes) if record else None
        self._goals: GoalInput | None = None
        if self._recorder or gui:  # no pictures, no goals in them
            kind = getattr(find_task(config.task.name), "goals", POINT)
            self._goals = GoalInput(self, kind, robot, lambda goal: self._show(kind, goal))
            self.urgent.update(self._goals.subscriptions)  # a goal is in its first frame
        self._period = round(config.control.period * 1e9)  # [ns]
        self._lockstep = config.run.clock == "lockstep"
        self._substeps = config.substeps
        self._joint_map = JointMap(robot.joints)
        self._zero = np.zeros(len(robot.joints))
        self._torque = self._zero  # real time: the last command [N·m]
        self._commanded_at = 0.0  # real time: its arrival, monotonic [s]
        self._commanded = False  # real time: whether it is fresh
        self._steps = self._ignored = self._rejected = self._resets = 0
        self._turns = 0  # [timer periods]
        self._met = -1  # turn at which another publisher appeared; -1: none
        self._held = list(robot.held.values())
        self._still = [0.0] * len(self._held)
        self._writer = JointStateWriter([*robot.joints, *robot.held])
        self._message = b""  # the present state
        self._wall = Clock(clock_type=ClockType.SYSTEM_TIME)  # simulated time is made here
        self._stamp = 0
        self._world.reset(self._rng)
        self._world.skip_resets(self._rng, int(self.get_parameter("resets_before").value or 0))
        self._place = sole_publisher(self, self.resolve_topic_name("joint_states"), _ADVICE)
        self._connect()
        self._load_state(self._next_stamp(), self._zero)

    def _connect(self) -> None:
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._states = self.create_publisher(JointStateMessage, "joint_states", RELIABLE)
        self._clocks = self.create_publisher(ClockMessage, "clock", BEST_EFFORT)
        self._health = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._description = self.create_publisher(String, "robot_description", LATCHED)
        self._description.publish(String(data=shareable(self._world.robot)))
        reset = self.create_service(Trigger, "~/reset", self._on_reset)
        housekeeping = self.create_timer(HOUSEKEEPING, self._on_timer, clock=steady)
        if self._lockstep:
            handler, period = self._on_command_lockstep, self._config.sim.republish_after
            self._timer = self.create_timer(period, self._publish_again, clock=steady)
        else:
            handler, period = self._on_command_realtime, self._config.control.period
            self._timer = self.create_timer(period, self._tick, clock=steady)
        commands = self.create_subscription(
            JointStateMessage, "joint_command", handler, RELIABLE, raw=True
        )
        self.urgent |= {commands, reset, self._timer, housekeeping}
        self.get_logger().info(
            f"{self._world.robot.describe()}; {self._config.run.clock}: states on "
            f"{self._states.topic_name}, commands from {commands.topic_name}"
        )

    def _on_command_lockstep(self, message: bytes) -> None:
        try:
            if stamp_to_ns(message) != self._stamp:
                self._ignored += 1
                return
            torque = self._joint_map.effort(message)
        except JointStateError as error:
            self._reject(error)
            return
        self._advance(torque)
        self._timer.reset()

    def _on_command_realtime(self, message: bytes) -> None:
        try:
            self._torque = self._joint_map.effort(message)
        except JointStateError as error:
            self._reject(error)
            return
        self._commanded_at, self._commanded = time.monotonic(), True

    def _tick(self) -> None:
        age = time.monotonic() - self._commanded_at
        if self._commanded and age > self._config.sim.command_timeout:
            self._commanded, self._torque = False, self._zero
            instead = "the brakes hold the arm" if self._has_brakes else "zero torque"
            self.get_logger().warning(
                f"no joint_command for {self._config.sim.command_timeout:g} s: {instead}"
            )
        self._advance(None if self._has_brakes and not self._commanded else self._torque)

    def _advance(self, torque: Vector | None) -> None:
        """Advance by a control period, with a torque, (n,) [N·m]; None closes the brakes."""
        if torque is None:
            applied = self._world.hold(self._substeps)
        else:
            applied = self._world.step(torque, self._substeps)
        self._steps += 1
        self._load_state(self._next_stamp(), applied)
        self._publish()
        if self._recorder:
            self._recorder.step(self._stamp)

    def _next_stamp(self) -> int:
        """Return the next state's stamp [ns], which is later than the last one."""
        if self._lockstep:
            return self._stamp + self._period
        return max(int(self._wall.now().nanoseconds), self._stamp + 1)

    def _load_state(self, stamp: int, applied: Vector) -> None:
        state = self._world.state(stamp)
        self._stamp = stamp
        self._message = self._writer.write(
            stamp,
            applied.tolist() + self._still,
            state.position.tolist() + self._held,
            state.velocity.tolist() + self._still,
        )

    def _publish(self) -> None:
        self._states.publish(self._message)
        self._clocks.publish(clock_to_bytes(self._stamp))

    def _publish_again(self) -> None:
        if self._steps or self._alone():  # a second simulator must not disturb the first
            self._publish()

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._recorder:
            self._recorder.reset()
        self._world.reset(self._rng)
        self._resets += 1
        self._torque, self._commanded = self._zero, False
        self._load_state(self._next_stamp(), self._zero)
        self._publish()
        self._timer.reset()
        response.success, response.message = True, str(self._stamp)
        return response

    def _show(self, kind: GoalKind, goal: Any) -> None:
        """Show a goal; the node that is to meet it says why it cannot."""
        if not kind.fault(goal, self._world.robot) and is_finite(goal):
            self._world.show_goal(kind, goal)

    def _reject(self, error: JointStateError) -> None:
        self._rejected += 1
        self.get_logger().warning(f"joint_command rejected: {error}", throttle_duration_sec=1.0)

    def _on_timer(self) -> None:
        self._turns += 1
        self._check_alone()
        if self._goals is not None:
            self._goals.poll()
            self.urgent.update(self._goals.subscriptions)
        if self._turns % round(1.0 / HOUSEKEEPING) == 0:
            counts = {
                "steps": self._steps,
                "resets": self._resets,
                "commands_ignored": self._ignored,
                "commands_rejected": self._rejected,
            }
            values = [KeyValue(key=key, value=str(count)) for key, count in counts.items()]
            name = self.get_fully_qualified_name()
            status = DiagnosticStatus(name=name, message="running", values=values)
            message = DiagnosticArray(status=[status])
            message.header.stamp = self._wall.now().to_msg()
            self._health.publish(message)

    def _alone(self) -> bool:
        return int(self.count_publishers("joint_states")) <= 1

    def _check_alone(self) -> None:
        """End this simulator if another node publishes the same joint states.

        A new simulator ends at once. A settled one, which was alone for a while or has answered
        commands in lock-step, ends only if the other publisher stays.

        Raises:
            MachineError: another node publishes the joint states.
        """
        if self._alone():
            self._met = -1
            return
        if self._met < 0:
            self._met = self._turns
        settled = self._met >= SETTLED or (self._lockstep and self._steps > 0)
        if self._turns - self._met >= (PATIENCE if settled else 0):
            topic = self._states.topic_name
            raise MachineError(
                f"another node publishes on {topic} in ROS domain "
                f"{self.context.get_domain_id()}: {publishers_of(self, topic, but_own=True)}; "
                f"{_ADVICE}"
            )

    def end(self) -> None:
        """Write the GIF and close the world."""
        try:
            if self._recorder:
                self._recorder.save()
        finally:
            self._world.close()
            self._place.close()


def main(args: list[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return run_node(Simulator, args)


if __name__ == "__main__":
    sys.exit(main())
