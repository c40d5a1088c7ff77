"""The agent: joint states in, torques out, experience to the learner.

This file only carries messages; what happens between a state and its torque stands in
`control/loop.py`, and what an experiment consists of in `experiment.py`.
"""

import sys
import time
from collections.abc import Sequence

from geometry_msgs.msg import PointStamped
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState as JointStateMessage
from std_msgs.msg import Float64MultiArray

from ddpg_ros.control.decimator import Decimator
from ddpg_ros.control.loop import Tick
from ddpg_ros.errors import JointStateError
from ddpg_ros.experiment import Experiment
from ddpg_ros.nodes.messages import JointMap, JointStateWriter
from ddpg_ros.nodes.parameters import read_config
from ddpg_ros.nodes.realtime import apply_realtime
from ddpg_ros.nodes.reset_client import ResetClient
from ddpg_ros.nodes.run import MainNode, run_node
from ddpg_ros.nodes.watch import TopicWatch
from ddpg_ros.run_directory import claim_run
from ddpg_ros.types import JointState

_HOUSEKEEPING = 0.1  # [s]; also how soon a signal is noticed where no state comes
_REPORT_EVERY = 5.0  # [s]
_LAST_COMMANDS, _LAST_INTERVAL = 6, 0.012  # zero torque on the way out: 6 commands in 60 ms


class AgentNode(MainNode):
    """Joint states → `Experiment.tick` → joint commands; a reset between episodes."""

    def __init__(self) -> None:
        """Read the parameters, start the learner and open the topics."""
        super().__init__("agent")
        config = read_config(self)
        self._interrupted = False
        self._run_dir = claim_run(config)
        self._experiment = Experiment(config, self._run_dir)
        self._realtime = config.run.clock == "realtime"
        self._period = config.control.period
        self._decimator = Decimator(config.control.period)
        self._started = False  # the first episode has been asked for
        self._running = False  # between the first state of an episode and its end
        self._last_stamp = 0  # of the state answered last [ns]
        self._ticked_at = time.monotonic()
        self._reported_at = time.monotonic()
        self._open_topics(config.control.reset_service, config.control.state_timeout)
        apply_realtime(config.control, self.get_logger())

    def _open_topics(self, reset_service: str, state_timeout: float) -> None:
        joints = self._experiment.robot.joints
        reliable = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._joints = JointMap(joints)
        self._writer = JointStateWriter(joints, efforts_only=True)
        self._command = b""  # sent last
        self._zero = [0.0] * len(joints)
        self._commands = self.create_publisher(JointStateMessage, "joint_command", reliable)
        self._goal_publisher = self.create_publisher(PointStamped, "goal", latched)
        self._episode_results = self.create_publisher(Float64MultiArray, "~/episode", reliable)
        self._reset = ResetClient(self, reset_service, self._begin_if_first)
        self._watch = TopicWatch(self, "joint_states", "joint_command", state_timeout)
        qos = newest if self._realtime else reliable
        states = self.create_subscription(
            JointStateMessage, "joint_states", self._on_state, qos, raw=True
        )
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # simulated time stands until we answer
        timer = self.create_timer(_HOUSEKEEPING, self._keep_house, clock=steady)
        self.urgent |= {states, timer, self._reset.client}

    def _on_state(self, message: bytes) -> None:
        try:
            state = self._joints.state(message)
        except JointStateError as error:
            self._watch.reject(error)
            return
        self._watch.accept(state)
        if not self._running:
            self._begin_if_first()
        elif state.stamp == self._last_stamp:  # the answer was lost: say it again
            self._commands.publish(self._command)
        elif state.stamp < self._last_stamp:
            self.get_logger().warning("time ran backwards; the open episode is discarded")
            self._last_stamp = state.stamp
            self._rest()
            self._ask_for_episode()
        elif self._decimator.due(state.stamp):
            self._answer(state)

    def _answer(self, state: JointState) -> None:
        now = time.monotonic()
        dt = now - self._ticked_at if self._realtime else self._period
        self._ticked_at = now
        tick = self._experiment.tick(state, dt)
        self._last_stamp = state.stamp
        if not tick.over:
            self._send(tick.torque.tolist())
            return
        self._rest()
        self._report(tick)
        self._ask_for_episode()

    def _rest(self) -> None:
        """Command zero torque between episodes; in lock-step that would be one step more."""
        if self._realtime:
            self._send(self._zero)

    def _send(self, torque: list[float]) -> None:
        self._command = self._writer.write(self._last_stamp, torque)
        self._commands.publish(self._command)

    def _ask_for_episode(self) -> None:
        self._running = False
        if not self._experiment.next_episode():
            self.finished = True
            return
        goal = PointStamped()
        goal.point.x, goal.point.y, goal.point.z = self._experiment.goal.tolist()
        self._goal_publisher.publish(goal)
        self._reset.request(self._last_stamp)
        self._last_stamp = 0

    def _begin_if_first(self) -> None:
        """Answer the first state after the reset; older ones may still be on their way."""
        first, state = self._reset.first_stamp, self._watch.newest
        if first is not None and state is not None and state.stamp >= first:
            self._running = True
            self._decimator.reset()
            self._ticked_at = time.monotonic() - self._period
            if self._decimator.due(state.stamp):
                self._answer(state)

    def _keep_house(self) -> None:
        """Ten times a second: what no state brings about."""
        self._watch.check()
        self._experiment.check()
        self._reset.poll()
        if not self._started and self._watch.newest is not None and self._experiment.ready:
            self._started = True
            self._ask_for_episode()

    def _report(self, tick: Tick) -> None:
        if tick.episode is None:
            return
        total, length, success, *_ = tick.episode
        self._episode_results.publish(
            Float64MultiArray(data=[total, float(length), float(success)])
        )
        if time.monotonic() - self._reported_at > _REPORT_EVERY:
            self._reported_at = time.monotonic()
            self.get_logger().info(f"{self._experiment.progress}, return {total:.2f}")

    def interrupt(self) -> None:
        """End every wait for the learner."""
        self._interrupted = True
        self._experiment.cancel()

    def destroy_node(self) -> None:
        """Send zero torque for 60 ms, stop the learner, keep policy and summary."""
        try:
            for _ in range(_LAST_COMMANDS):
                self._send(self._zero)
                time.sleep(_LAST_INTERVAL)
            summary = self._experiment.close(self._watch.rejected, self._interrupted)
            self.get_logger().info(summary.sentence())
            if self._run_dir is not None:
                summary.save(self._run_dir)
                self.get_logger().info(f"results are in {self._run_dir}")
        finally:
            super().destroy_node()


def main(args: Sequence[str] | None = None) -> int:
    """Run the agent node: `ros2 run ddpg_ros agent`."""
    return run_node(AgentNode, args)


if __name__ == "__main__":
    sys.exit(main())
