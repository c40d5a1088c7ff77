"""Faults 54 to 62 on real topics: messages that end no node and move no torque."""

import math
import time

import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import PointStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from test.faults.realtime import (
    acting,
    assert_quiet_since,
    begin,
    call_until_granted,
    reset,
)
from test.faults.test_input import assert_rejected, put
from test.ros.fake_robot import JOINTS

pytestmark = [pytest.mark.ros, pytest.mark.slow]

MANY = QoSProfile(depth=1000)
LATCHED = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
PUSH = (0.5, -0.25)  # [N·m]


class Commander:
    """Commands the guard: with each state goes a torque that answers the one before."""

    def __init__(self, robot):
        self.robot, self.passed = robot, []
        self.publisher = robot.node.create_publisher(JointState, "joint_command", MANY)
        robot.node.create_subscription(JointState, "guarded_command", self._on_passed, MANY)
        robot.at_rest = True
        self.header = None  # of the state before

    def _on_passed(self, message):
        self.passed.append(tuple(message.effort))

    def along(self, message):
        """Publish a command, and let the state go its way."""
        if self.header is not None:
            command = JointState(header=self.header, name=list(JOINTS), effort=list(PUSH))
            self.publisher.publish(command)
        self.header = message.header
        return message

    def stream(self, condition, what):
        self.robot.stream(condition, what, change=self.along)

    def drive(self):
        """Arm the guard, and stream until a torque passes steadily; return it."""
        arm = self.robot.client("guard/arm")
        asked = []

        def drives():
            if arm.service_is_ready() and all(future.done() for future in asked[-1:]):
                asked.append(arm.call_async(Trigger.Request()))
            return len(set(self.passed[-5:])) == 1 and all(self.passed[-1])

        self.stream(drives, "the torque")
        return self.passed[-1]


@pytest.mark.timing
def test_fault_54_and_57_commands_no_guard_can_answer_are_rejected_and_its_torque_goes_on(
    robot, agent
):
    process = agent("ddpg_ros.ros.nodes.guard", safety__latch_after=0.8)
    commander = Commander(robot)
    torque = commander.drive()
    far, long = JointState(name=list(JOINTS), effort=[9.0, 9.0]), JointState()
    far.header.stamp.sec, far.header.stamp.nanosec = 2**31 - 1, 2**32 - 1
    past = JointState(name=list(JOINTS), effort=[9.0, 9.0])
    past.header.stamp.sec = -1
    long.name = [f"{number:x}" for number in range(7_000)] * 2
    estop = robot.client("guard/estop")
    before = int(robot.status("commands.rejected", "guard") or 0)
    for bad in (far, past, long):
        commander.publisher.publish(bad)
        time.sleep(0.02)  # the guard keeps the newest alone
        robot.stream_for(0.08, change=commander.along)
    counted = str(before + 3)
    commander.stream(lambda: robot.status("commands.rejected", "guard") == counted, "the count")
    assert robot.status("state", "guard") == "active"
    assert set(commander.passed[-20:]) == {torque}
    commander.publisher.publish(long)
    begun = time.monotonic()
    answer = estop.call_async(Trigger.Request())
    commander.stream(answer.done, "the answer to ~/estop")
    assert time.monotonic() - begun < 0.5  # half a millisecond, and what a busy machine adds
    assert process.running and "Traceback" not in process.said
    assert max(map(len, process.said.splitlines())) < 1_000


def test_fault_54_states_whose_stamps_are_no_time_are_rejected_and_three_latch(lasting):
    def stamped(seconds, nanoseconds):
        def spoil(message):
            message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds

        return spoil

    wrong = [stamped(2**31 - 1, 2**32 - 1), stamped(-1, 0), stamped(0, 10**9)]
    assert_rejected(lasting, wrong, " is no time; expected seconds from 0 on")


def beside_a_gripper(robot, count):
    """Return what publishes a gripper's states around each of the arm's."""
    gripper = JointState(name=["left_finger"], position=[0.01], velocity=[0.0])

    def publish(message):
        gripper.header = message.header
        robot.publish(message)
        for _ in range(count):
            robot.publish(gripper)
        return None

    return publish


@pytest.mark.timing
@pytest.mark.parametrize("count", [1, 6])
def test_fault_58_an_arm_beside_a_gripper_on_the_same_topic_is_armed_and_acts(lasting, count):
    robot, before = begin(lasting)
    change = beside_a_gripper(robot, count)
    start = robot.stamp
    robot.stream_for(0.6, period=0.01, change=change)
    robot.drain()
    acted = [c for c in robot.commands if c.stamp > start and any(c.torque)]
    assert len(acted) >= 8  # 15 periods
    call_until_granted(robot, "policy/estop")
    reset(robot)
    arm = robot.client("policy/arm")
    answer = arm.call_async(Trigger.Request())
    robot.stream(answer.done, "the answer to ~/arm", period=0.01, change=change)
    assert answer.result().success, answer.result().message
    acting(robot)
    assert before.grown("joint_states.rejected") == 0
    assert before.grown("latches") == 1


def test_fault_59_states_of_another_time_and_place_latch_a_fault_that_names_both_positions(
    lasting,
):
    robot, before = begin(lasting)
    robot.at_rest = True
    robot.stream_for(0.3)

    def elsewhere(message):
        message.header.stamp.sec -= 10
        message.position[0] += 0.9
        return message

    robot.stream(
        lambda: robot.status("state") == "fault", "the fault", period=0.01, change=elsewhere
    )
    fault = time.time_ns()
    assert "joint 'shoulder' from 1 to 1.9 rad within 0.0" in robot.sentence()
    robot.stream_for(0.3)
    assert_quiet_since(robot, fault)
    robot.at_rest = False
    assert before.grown("latches") == 1
    reset(robot)


def test_fault_60_a_state_that_is_repeated_under_new_stamps_is_a_fault_with_its_cause(lasting):
    robot, before = begin(lasting)
    frozen = robot.message(robot.stamp)

    def old(message):
        frozen.header = message.header
        return frozen

    robot.stream(lambda: robot.status("state") == "fault", "the fault", change=old)
    fault = time.time_ns()
    assert "old values under new stamps" in robot.sentence()
    assert_quiet_since(robot, fault, least=0)
    assert before.grown("latches") == 1
    reset(robot)


def test_fault_61_states_without_velocity_from_the_start_end_a_node_with_what_to_do(robot, agent):
    process = agent("ddpg_ros.ros.nodes.guard", control__state_timeout=0.5)
    without = put(velocity=[])

    def spoilt(message):
        without(message)
        return message

    robot.stream(lambda: not process.running, "the end", change=spoilt)
    assert process.exit(1.0) == 2
    last = process.said.splitlines()[-1]
    assert "no state on /joint_states fits the robot: there is no velocity in" in last
    assert "have the driver publish velocities" in last and "robot.joints" not in last


@pytest.mark.timing
def test_fault_62_a_flood_of_goals_that_are_no_numbers_is_said_once_and_holds_nothing_up(lasting):
    robot, before = begin(lasting)
    goals = robot.node.create_publisher(PointStamped, "goal", LATCHED)
    goal = PointStamped()
    goal.point.x = math.nan
    robot.stream(lambda: goals.get_subscription_count() > 0, "who listens")

    def flood(message):
        for _ in range(100):
            goals.publish(goal)
        return message

    start = robot.stamp
    robot.stream_for(1.0, change=flood)
    robot.drain()
    robot.node.destroy_publisher(goals)
    assert before.said.count("goal rejected") == 1
    acted = [c for c in robot.commands if c.stamp > start and any(c.torque)]
    assert len(acted) >= 18 and before.grown("latches") == 0
