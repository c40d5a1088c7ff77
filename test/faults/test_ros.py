"""Faults of ROS around the node, 18 to 24: quality of service, clocks, others, the processor."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("rclpy")

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from test.conftest import wait_until
from test.faults.realtime import (
    SECOND,
    act,
    acting,
    acts,
    assert_quiet_since,
    assert_within_limits,
    begin,
    call_until_granted,
)
from test.processes import Process, ros_arguments
from test.ros.fake_robot import PERIOD, FakeRobot
from test.ros.test_agent import SMALL, assert_zero_torque_last

pytestmark = [pytest.mark.ros, pytest.mark.slow]


def said_at(process, sentence):
    """When a node wrote its first error line with a sentence in it [s]; None: not yet."""
    line = re.search(rf"\[ERROR\] \[([\d.]+)\] .*{re.escape(sentence)}", process.said)
    return float(line[1]) if line else None


def test_fault_18_states_of_another_quality_of_service_are_an_error_line(
    agent, policy, robot, ros_domain
):
    process = agent(run__policy=policy, run__clock="lockstep")
    robot.begin()  # so that starting up is over
    began = time.time()
    stranger = FakeRobot(
        ros_domain, qos=QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    try:
        sentence = "a publisher of joint states offers another RELIABILITY than this node asks for"
        wait_until(lambda: said_at(process, sentence) is not None, what="the line")
        # A lost announcement of the newcomer is repeated after 3 s.
        assert said_at(process, sentence) - began < 1.0 + 4.0
    finally:
        stranger.close()
    assert robot.step().stamp == robot.stamp


def test_fault_18_a_listener_that_cannot_hear_the_torques_is_an_error_line(lasting):
    robot, before = begin(lasting)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    began = time.time()
    deaf = robot.node.create_subscription(JointState, "joint_command", print, latched)
    sentence = "a subscriber of the torques asks for another DURABILITY than this node offers"
    robot.stream(lambda: said_at(before, sentence) is not None, "the line")
    assert said_at(before, sentence) - began < 1.0 + 1.0
    acting(robot)
    assert before.grown("latches") == 0
    robot.node.destroy_subscription(deaf)


def torques_about(robot, moment):
    """Stream until the policy acts in another time; return the commands of that time."""

    def new():
        return [c for c in robot.commands if abs(c.stamp - moment) < 600 * SECOND]

    robot.stream(lambda: acts(new()), "torques in the new time")
    return new()


@pytest.mark.parametrize("hours", [1, -1], ids=["on", "back"])
def test_fault_19_a_wall_clock_that_jumps_an_hour_latches_nothing(lasting, hours):
    robot, before = begin(lasting)
    robot.clock_offset = hours * 3600 * SECOND
    jumped = time.time_ns() + robot.clock_offset
    torques_about(robot, jumped)
    assert before.grown("latches") == 0
    robot.stream(lambda: before.grown("joint_states.out_of_time") == 2, "the count")
    assert "the clock jumped; the open episode is discarded" in before.said
    assert_within_limits(robot)


def test_fault_20_simulated_time_reset_discards_the_episode_and_it_goes_on(agent, robot, policy):
    process = agent(run__policy=policy)
    robot.begin()
    for _ in range(5):
        robot.step()
    robot.drain()
    robot.commands.clear()
    robot.stamp = 2 * PERIOD
    robot.until(lambda: robot.resets == 2, "another reset")
    assert robot.stamp == 3 * PERIOD
    robot.answer()
    for _ in range(49):
        robot.step()
    robot.stamp += PERIOD
    robot.publish()
    robot.silent_until(lambda: robot.episodes, "the episode")
    assert [episode[1] for episode in robot.episodes] == [50]
    assert "the clock jumped" in process.said and process.running


def test_in_lock_step_an_arm_that_somebody_else_has_placed_costs_the_episode_and_it_goes_on(
    agent, robot, policy
):
    process = agent(run__policy=policy)
    robot.begin()
    for _ in range(5):
        robot.step()
    robot.displaced = -1.0
    robot.lockstep = True
    robot.stamp += PERIOD
    robot.publish()
    robot.until(lambda: robot.episodes, "an episode")
    assert "fault: 3 unusable states in a row: joint 'shoulder' jumped by -1.0" in process.said
    assert robot.resets >= 2 and robot.episodes[0][1] == 50


def test_fault_20_in_real_time_the_torque_is_zero_and_the_new_time_is_taken(lasting):
    robot, before = begin(lasting)
    robot.clock_offset = SECOND - time.time_ns()  # from one second on
    new = torques_about(robot, 0)
    assert not any(new[0].torque)
    assert max(c.stamp for c in robot.commands[-5:]) < 600 * SECOND
    assert "the clock jumped; the open episode is discarded" in before.said
    assert before.grown("latches") == 0


@pytest.mark.timing
def test_fault_21_a_clock_that_stops_latches_a_fault_and_the_torque_is_zero(patient):
    robot, _ = begin(patient)
    stands = robot.message(robot.stamp).header.stamp
    stood = robot.stamp

    def stopped(message):
        message.header.stamp = stands  # the arm moves on
        return message

    robot.stream(lambda: robot.status("state") == "fault", "the fault", change=stopped)
    fault = time.time_ns()
    robot.stream_for(0.4, change=stopped)
    assert robot.sentence().startswith("no joint state for ")
    assert_quiet_since(robot, fault)
    assert robot.zeros_at_the_end()[-1].sent - stood < 800_000_000 + 400_000_000
    assert not robot.call("policy/arm").success


def test_fault_21_simulated_time_that_nobody_publishes_does_not_keep_the_agent_from_beginning(
    agent, robot, policy
):
    agent(run__policy=policy, use_sim_time=True)  # nobody publishes /clock
    robot.begin()
    assert robot.step().stamp == robot.stamp


def test_fault_22_a_second_commander_ends_it_with_two_and_a_sentence(agent, robot, policy):
    process = agent(run__policy=policy)
    robot.begin()
    robot.lockstep = True
    robot.node.create_publisher(JointState, "joint_command", 1)
    robot.until(lambda: not process.running, "the end")
    robot.lockstep = False
    assert process.exit(1.0) == 2
    assert "another node publishes on /joint_command" in process.said
    assert "Traceback" not in process.said
    assert_zero_torque_last(robot)


def test_fault_22_with_a_second_commander_arming_is_refused_and_one_that_stays_ends_a_running_node(
    robot, policy_node, ros_domain
):
    process = policy_node()
    robot.stream(lambda: robot.status("commands.publishers") == "1", "its diagnostics")
    robot.stream_for(4.0)  # no newcomer any more
    sentence = f"another node publishes on /joint_command in ROS domain {ros_domain}"
    other = robot.node.create_publisher(JointState, "joint_command", 1)
    robot.stream(lambda: sentence in robot.call("policy/arm").message, "the refusal")
    robot.node.destroy_publisher(other)
    robot.stream(lambda: robot.call("policy/arm").success, "the permission")
    acting(robot)
    robot.node.create_publisher(JointState, "joint_command", 1)
    robot.stream(lambda: not process.running, "the end")
    assert process.exit(1.0) == 2
    assert sentence in process.said and "Traceback" not in process.said
    assert_zero_torque_last(robot)


def test_fault_23_of_two_trainers_in_one_run_directory_one_is_refused(agent, robot, tmp_path):
    first = agent(**SMALL)
    robot.lockstep = True
    robot.until(lambda: len(robot.commands) > 20, "a training")
    parameters = SMALL | {"run__directory": tmp_path / "run", "learner__mode": "eager"}
    arguments = ros_arguments(parameters, "-r", "__ns:=/second")
    second = Process(tmp_path, "ddpg_ros.ros.nodes.agent", *arguments)
    robot.until(lambda: not second.running, "the end of the second")
    assert second.exit(1.0) == 2
    assert f"the run directory {tmp_path / 'run'}" in second.said
    assert f"in use by another run, process {first.popen.pid};" in second.said
    assert "Traceback" not in second.said and second.gone()
    before = len(robot.commands)
    robot.until(lambda: len(robot.commands) > before + 20, "the first goes on")
    robot.lockstep = False
    assert first.interrupt()[0] == 0


def test_fault_23_of_two_trainers_that_begin_together_one_is_refused(tmp_path, ros_domain):
    parameters = SMALL | {"run__directory": tmp_path / "run", "learner__mode": "eager"}
    two = [
        Process(
            tmp_path,
            "ddpg_ros.ros.nodes.agent",
            *ros_arguments(parameters, "-r", f"__ns:=/{name}"),
        )
        for name in ("first", "second")
    ]
    try:
        wait_until(lambda: not all(p.running for p in two), what="the end of one")
        refused, kept = sorted(two, key=lambda process: process.running)
        assert refused.exit(1.0) == 2
        assert f"the run directory {tmp_path / 'run'}" in refused.said, refused.said
        assert "Traceback" not in refused.said and kept.running
        assert kept.interrupt()[0] == 0
    finally:
        for process in two:
            process.kill_family()


def assert_no_burst(commands, window=10 * PERIOD):
    """Expect one answer a state, and no more of them in a window than periods and a little."""
    policys = [c for c in commands if any(c.torque)]
    assert len({c.stamp for c in policys}) == len(policys)
    for index, first in enumerate(policys):
        within = [c for c in policys[index:] if c.sent < first.sent + window]
        assert len(within) <= window // PERIOD + 4, within


@pytest.mark.timing
def test_fault_24_a_busy_processor_brings_no_burst_of_commands(robot, policy_node):
    policy_node()
    act(robot)
    begin = len(robot.commands)
    hogs = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        robot.stream_for(2.0)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    acting(robot)
    assert_no_burst(robot.commands[begin:])
    assert_within_limits(robot)
    assert robot.status("state") == "active" and robot.status("latches") == "0"


def freeze(robot, process, seconds):
    """Stop the node while the states go on; return when it was woken [ns]."""
    process.popen.send_signal(signal.SIGSTOP)
    robot.stream_for(seconds)
    woken = time.time_ns()
    process.popen.send_signal(signal.SIGCONT)
    return woken


@pytest.mark.timing
def test_fault_24_after_a_stop_of_200_ms_there_is_no_burst_and_a_patient_node_recovers(
    robot, policy_node
):
    process = policy_node(safety__latch_after=5.0)
    act(robot)
    begin = len(robot.commands)
    before = int(robot.status("degradations"))
    woken = freeze(robot, process, 0.2)
    acting(robot)
    robot.drain()
    later = [c for c in robot.commands[begin:] if c.sent >= woken]
    assert not any(later[0].torque)  # it was held back: authority comes anew
    soon = [c for c in later if c.sent < woken + PERIOD]
    assert len(soon) <= 4, soon
    assert_no_burst(robot.commands[begin:])
    assert robot.status("latches") == "0"
    robot.stream(lambda: int(robot.status("degradations")) > before, "the count")


@pytest.mark.timing
def test_fault_24_after_a_stop_beyond_the_deadline_there_is_a_fault_whoever_sees_it_first(
    robot, policy_node
):
    process = policy_node(safety__latch_after=0.15)
    robot.stream(lambda: robot.status("state") == "disarmed", "its diagnostics")
    robot.stream_for(0.5)
    call_until_granted(robot, "policy/arm")
    robot.stream_for(0.2)
    woken = freeze(robot, process, 0.25)
    robot.stream(lambda: robot.status("state") == "fault", "the fault")
    robot.stream_for(0.4)
    assert robot.sentence().startswith("no joint state for ")
    assert_quiet_since(robot, woken)
