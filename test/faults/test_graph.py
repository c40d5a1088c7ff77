"""Faults of the graph around the nodes, 63 to 69: who publishes, who listens, who leaves."""

import subprocess
import sys
import time
from itertools import pairwise

import pytest

rclpy = pytest.importorskip("rclpy")

from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from test.conftest import PATIENCE, wait_until
from test.processes import Process
from test.ros.arm import Arm
from test.ros.fake_robot import JOINTS

pytestmark = [pytest.mark.ros, pytest.mark.slow]

GUARD = "ddpg_ros.ros.nodes.guard"
TORQUE = (0.5, -0.25)  # [N·m]
REAL = {"safety__auto_arm": False, "run__clock": "realtime", "safety__fallback": "zero"}
PATIENT = {"safety__latch_after": 0.8}


@pytest.fixture
def arm(robot):
    return Arm(robot)


@pytest.fixture
def stranger(robot):
    """Another node, in the process of the fake robot."""
    node = rclpy.create_node("intruder", context=robot.node.context)
    yield node
    node.destroy_node()


def guarded(agent, arm):
    """Start a guard before a policy that asks for a torque with each state; what it passes on."""
    process = agent(GUARD, **REAL | PATIENT)
    passed = arm.onlooker.record("guarded_command")
    policy = arm.robot.node.create_publisher(JointState, "joint_command", 1)
    arm.orders.append((policy, TORQUE))
    return process, passed


def passes(passed):
    """Whether what was passed on last is what the policy asks for."""
    return len(passed) >= 5 and all(one.torque == TORQUE for one in passed[-5:])


def test_fault_63_with_two_publishers_of_commands_the_guard_is_not_armed_and_a_fault_names_both(
    agent, arm, stranger
):
    process, passed = guarded(agent, arm)
    other = stranger.create_publisher(JointState, "joint_command", 1)
    both = "/intruder and /simulator"  # a node's name comes after its publisher
    arm.until(lambda: both in arm.trigger("arm", "guard").message, "a refusal with both names")
    answer = arm.trigger("arm", "guard")
    assert not answer.success
    assert "publishes on /joint_command in ROS domain" in answer.message
    assert "/intruder and /simulator" in answer.message

    stranger.destroy_publisher(other)
    arm.until(lambda: arm.trigger("arm", "guard").success, "permission")
    arm.until(lambda: passes(passed), "the policy's torque")
    stranger.create_publisher(JointState, "joint_command", 1)
    arm.until(lambda: arm.onlooker.mode("guard") == "fault", "the fault")
    assert "/intruder and /simulator" in arm.onlooker.said("guard").message
    arm.until(lambda: not any(passed[-1].torque), "zero torque")
    assert process.running and "Traceback" not in process.said


def test_fault_64_a_command_that_answers_no_recent_state_moves_nothing_and_does_not_count_as_one(
    agent, arm
):
    process, passed = guarded(agent, arm)
    arm.until(lambda: arm.trigger("arm", "guard").success, "permission")
    arm.until(lambda: passes(passed), "the policy's torque")
    ((policy, _),) = arm.orders
    arm.orders.clear()
    stale = JointState(name=list(JOINTS), effort=[1.0, 1.0])
    stale.header.stamp.nanosec = 1  # the arm's clock began with the test
    began = len(passed)

    def flood():
        policy.publish(stale)
        return arm.onlooker.mode("guard") == "fault"

    arm.until(flood, "the fault")
    assert arm.onlooker.said("guard").message.startswith("no command for ")
    assert int(arm.onlooker.value("guard", "commands.ignored")) > 3
    assert not any(one.torque[1] > 0.0 for one in passed[began:])
    assert process.said.count("command ignored") <= 2  # throttled
    assert "has the stamp 0.000 s and answers no recent joint state" in process.said
    arm.until(lambda: not any(passed[-1].torque), "zero torque")
    assert process.running


def test_fault_64_a_policy_that_does_not_stamp_its_commands_is_told_so_when_the_guard_is_armed(
    agent, arm
):
    agent(GUARD, **REAL | PATIENT)
    policy = arm.robot.node.create_publisher(JointState, "joint_command", 1)

    def refused():
        policy.publish(JointState(name=list(JOINTS), effort=list(TORQUE)))
        answer = arm.trigger("arm", "guard")
        assert not answer.success
        return "its header.stamp must be that of the state that it answers" in answer.message

    arm.until(refused, "the sentence")


def test_fault_65_with_two_publishers_of_our_joints_nothing_is_armed_and_a_fault_names_both(
    agent, arm, stranger, policy
):
    process = agent("ddpg_ros.ros.nodes.policy", **REAL | PATIENT, run__policy=policy)
    gripper = arm.robot.node.create_publisher(JointState, "joint_states", 1)  # it says nothing
    arm.arm()
    arm.until(lambda: arm.onlooker.mode("policy") == "active", "the policy's say")
    twin = stranger.create_publisher(JointState, "joint_states", 1)
    turn = arm.turn

    def both():
        due = arm.due
        turn()
        if arm.due != due:  # a state went out; the other driver's comes with it
            message = arm.robot.message(int(1e9 * (time.monotonic() - arm.start)))
            message.position, message.velocity = arm.position, arm.velocity
            twin.publish(message)

    arm.onlooker.turn = both
    arm.until(lambda: arm.onlooker.mode("policy") == "fault", "the fault")
    cause = arm.onlooker.said("policy").message
    assert "more than one node publishes states of our joints on /joint_states" in cause
    assert "among /intruder and /simulator" in cause
    arm.until(lambda: arm.trigger("reset").success, "the reset")
    assert "/intruder and /simulator" in arm.refusal()

    arm.onlooker.turn = turn
    stranger.destroy_publisher(twin)
    arm.robot.node.destroy_publisher(gripper)
    arm.arm()
    assert process.running


def test_fault_66_a_policy_to_whom_nobody_listens_is_not_armed(agent, arm, policy):
    agent(
        "ddpg_ros.ros.nodes.policy",
        **REAL | {"run__policy": policy, "control__command_interface": "effort_array"},
        robot__joints="[shoulder, elbow]",
    )
    said = "nobody hears the torques on /forward_effort_controller/commands"
    arm.until(lambda: said in arm.refusal(), "the refusal")


def test_fault_66_a_guard_that_would_hear_itself_is_not_configured(agent, robot):
    process = agent(
        GUARD,
        **REAL,
        control__command_interface="effort_array",
        control__effort_topic="joint_command",
        robot__joints="[shoulder, elbow]",
    )
    assert process.exit(PATIENCE) == 2
    assert "the torques go to /joint_command, which this node reads itself" in process.said
    assert "Traceback" not in process.said


@pytest.mark.timing
def test_fault_67_clients_that_call_and_leave_make_no_gap_in_the_torques(agent, arm, stranger):
    agent(GUARD, **REAL | PATIENT)
    passed = arm.onlooker.record("guarded_command")
    policy = arm.robot.node.create_publisher(JointState, "joint_command", 1)
    arm.orders.append((policy, TORQUE))
    arm.until(lambda: arm.trigger("arm", "guard").success, "permission")
    arm.until(lambda: passes(passed), "the policy's torque")
    began = len(passed)
    calls = [(Trigger, "arm"), (GetParameters, "get_parameters"), (GetState, "get_state")] * 5
    for kind, name in calls:
        client = stranger.create_client(kind, f"guard/{name}")
        arm.until(client.service_is_ready, name)
        client.call_async(kind.Request())
        stranger.destroy_client(client)
    later = len(passed) + 10
    arm.until(lambda: len(passed) > later, "more torques")
    gaps = [1e-9 * (b.sent - a.sent) for a, b in pairwise(passed[began:])]
    held_up = [gap for gap in gaps if gap > 0.095]  # by the 0.1 s that the middleware waits
    assert len(held_up) < 3, gaps  # of 15; a busy machine may have one of its own


LEAVING = """
import importlib, os, signal, sys, threading
from pathlib import Path
from ddpg_ros.ros.runtime import main as run
def leave(code):
    names = {file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")}
    print("left", code, sorted(name for name in names if name.startswith("dds")), flush=True)
    os._exit(code)
run.leave = leave
spin = run.make_executor
def begin(node):
    os.kill(os.getpid(), signal.SIGTERM)
    return spin(node)
run.make_executor = begin
importlib.import_module(sys.argv.pop(1)).main()
"""


@pytest.mark.parametrize(
    ("module", "more", "code"),
    [(GUARD, (), 0), ("sim.simulator_node", (), 0), (GUARD, ("-p", "robot.urdf:=/nowhere"), 2)],
    ids=["guard", "simulator", "refused"],
)
def test_fault_68_nothing_of_the_middleware_runs_any_more_when_a_process_ends(
    ros_domain, module, more, code
):
    command = [sys.executable, "-c", LEAVING, module, "--ros-args", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code
    assert f"left {code} []" in done.stdout, done.stderr


@pytest.mark.timing
def test_fault_68_a_node_ends_within_two_seconds_while_readers_of_others_leave(
    agent, arm, stranger
):
    process = agent(GUARD, **REAL | PATIENT)
    topics = [f"topic_{number}" for number in range(100)]
    readers = [stranger.create_subscription(JointState, topic, print, 1) for topic in topics]
    arm.until(lambda: arm.onlooker.mode("guard") == "disarmed", "the guard")
    process.popen.terminate()
    begun = time.monotonic()
    for reader in readers:
        stranger.destroy_subscription(reader)
        time.sleep(0.002)
    assert process.exit(2.0) == 0
    assert time.monotonic() - begun < 2.0


@pytest.mark.parametrize("gap", [0.0, 0.7])
def test_fault_69_of_two_simulators_that_start_within_seconds_the_second_leaves(
    tmp_path, ros_domain, gap
):
    two = []
    try:
        for pause in (gap, 0.0):
            two.append(Process(tmp_path, "sim.simulator_node"))
            time.sleep(pause)
        wait_until(lambda: not all(one.running for one in two), what="the end of one")
        left, kept = sorted(two, key=lambda one: one.running)
        assert left.exit(1.0) == 2
        sentence = f"another node publishes on /joint_states in ROS domain {ros_domain}"
        assert f"{sentence}: process {kept.popen.pid};" in left.said
        time.sleep(1.0)  # what is left of it in the graph ends nobody
        assert kept.running and kept.interrupt()[0] == 0
    finally:
        for one in two:
            one.kill_family()


def test_fault_69_a_second_policy_leaves_before_it_publishes_anything(agent, robot, policy):
    first = agent("ddpg_ros.ros.nodes.policy", **REAL | PATIENT, run__policy=policy)
    robot.stream(lambda: robot.commands, "its commands")
    second = agent("ddpg_ros.ros.nodes.policy", **REAL | PATIENT, run__policy=policy)
    publishers = set()

    def over():
        publishers.add(robot.node.count_publishers("joint_command"))
        return not second.running

    robot.stream(over, "the end of the second")
    assert second.exit(1.0) == 2 and publishers == {1}
    sentence = "another node publishes on /joint_command in ROS domain"
    assert sentence in second.said and f"process {first.popen.pid}" in second.said
    assert first.running and first.interrupt()[0] == 0
