"""Faults 36 to 42 and 47: processes that die, hang, are orphaned, raise or are told to end."""

import json
import os
import signal
import statistics
import time
from itertools import pairwise

import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy")

from geometry_msgs.msg import PointStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout, load_policy
from ddpg_ros.files.generations import newest_generation
from ddpg_ros.robot.arm import Robot
from ddpg_ros.safety.guard import Guard
from ddpg_ros.types import Experience
from ddpg_ros.worker.client import WorkerClient
from test.conftest import wait_until
from test.faults.stale_learner import goes_back
from test.processes import Process, forgotten_soon, ros_arguments
from test.ros.arm import Arm
from test.ros.onlooker import LONG, MANY, Onlooker, assert_zeros_last

pytestmark = [pytest.mark.ros, pytest.mark.slow]

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SMALL = {  # a training that does little
    "run__steps": 1_000_000,
    "learner__hidden": [8],
    "learner__batch_size": 16,
    "learner__warmup_steps": 20,
}
REAL = {"run__clock": "realtime", "control__reset_service": "''"}
DRIFT = (0.2, -0.1)  # [rad/s]


@pytest.fixture
def arm(robot):
    return Arm(robot)


def train(agent, arm, **more):
    """Start a training in real time; return its process once it learns and drives the arm."""
    process = agent(**SMALL | REAL | more)
    learning = "learner.state"
    arm.until(lambda: arm.onlooker.value("agent", learning) == "learning", "the learner")
    arm.until(lambda: any(any(c.torque) for c in arm.commands[-5:]), "the training")
    arm.until(lambda: int(arm.onlooker.value("agent", "learner.updates")) > 20, "updates")
    return process


def learner_of(process):
    return process.member("spawn_main")


def gaps(commands):
    """Return the times between commands [s]."""
    times = [1e-9 * command.sent for command in commands]
    return [after - before for before, after in pairwise(times)]


# the learner


@pytest.mark.timing
def test_fault_36_a_learner_killed_again_and_again_freezes_the_actor_then_damps_then_comes_back(
    agent, arm
):
    process = train(agent, arm, task__episode_seconds=1000.0)  # at an episode's end it rests
    explored = {command.torque for command in arm.commands_more(20)}
    assert len(explored) > 10  # the arm stands still: this is noise
    killed, first = set(), learner_of(process)
    os.kill(first, signal.SIGKILL)
    killed.add(first)
    arm.commands_more(3)
    frozen = {command.torque for command in arm.commands_more(10)}
    assert len(frozen) == 1  # neither noise nor newer weights

    arm.velocity = DRIFT

    def held_back():
        present = learner_of(process)
        if present is not None and present not in killed:
            os.kill(present, signal.SIGKILL)
            killed.add(present)
        return arm.onlooker.value("agent", "cause").startswith("no learner for")

    arm.until(held_back, "five seconds without a learner")
    assert len(killed) <= 5  # it is not given up
    damped = arm.commands_more(5)[-1].torque
    # −β M(q) v, with β = 0.25 / 0.04 s; M of two uniform links of 0.5 kg and 0.25 m.
    guard = Guard.of(Robot.load("reacher2"), Config())
    stopped = guard.damp(np.array(arm.position), np.array(DRIFT), 1.0)
    assert damped == pytest.approx(stopped.tolist(), rel=1e-3)
    assert np.dot(damped, DRIFT) < 0.0
    assert arm.onlooker.value("agent", "learner.state") in ("restarting", "silent")

    arm.velocity = (0.0, 0.0)
    arm.until(lambda: not arm.onlooker.value("agent", "cause"), "the next learner")
    arm.until(lambda: any(any(c.torque) for c in arm.commands[-3:]), "torque of the policy")
    assert arm.onlooker.mode("agent") == "active"
    assert int(arm.onlooker.value("agent", "learner.restarts")) == len(killed)
    assert process.interrupt()[0] == 0
    assert process.gone() and "Traceback" not in process.said


def test_fault_36_in_lock_step_a_learner_that_is_killed_ends_the_run_with_a_sentence(agent, robot):
    process = agent(**SMALL)
    robot.lockstep = True
    robot.until(lambda: len(robot.commands) > 30, "30 steps", LONG)
    os.kill(learner_of(process), signal.SIGKILL)
    robot.until(lambda: not process.running, "the end", LONG)
    assert process.exit(1.0) == 2
    assert "the learner ended unasked" in process.said and "Traceback" not in process.said
    robot.drain()
    assert_zeros_last(robot.commands, robot.turn)
    assert process.gone()


@pytest.mark.timing
def test_fault_39_a_learner_that_is_stopped_does_not_slow_the_control_loop_and_is_replaced(
    agent, arm
):
    process = train(agent, arm)
    before = gaps(arm.commands_more(50))
    stopped = learner_of(process)
    os.kill(stopped, signal.SIGSTOP)
    at, count = time.time_ns(), len(arm.commands)
    states = arm.onlooker.diagnostics["agent"]
    arm.until(lambda: states[-1].values["learner.state"] != "learning", "its silence")
    arm.until(lambda: learner_of(process) not in (stopped, None), "the next one")
    arm.until(lambda: arm.onlooker.value("agent", "learner.state") == "learning", "it to be well")
    during = gaps(arm.commands[count:])
    assert statistics.median(during) == pytest.approx(statistics.median(before), rel=0.25)
    waits = sorted(during)[-3:]
    print(
        f"gaps: median {statistics.median(before):.4f} → {statistics.median(during):.4f} s, "
        f"longest {waits} s"
    )
    assert waits[0] < 0.3  # whoever waits for a learner waits for longer, and more than once
    changes = [one for one in states if one.at > at]
    assert all(one.values["state"] == "active" for one in changes)
    assert arm.onlooker.value("agent", "learner.restarts") == "1"
    assert process.interrupt()[0] == 0


def test_faults_37_and_40_an_agent_that_is_killed_says_no_more_and_takes_its_learner_along(
    agent, arm
):
    process = train(agent, arm)
    assert learner_of(process)
    process.popen.kill()
    process.exit(LONG)
    killed = time.time_ns()
    arm.until(lambda: process.family() == {}, "the end of the learner")
    arm.robot.drain()
    assert all(command.sent <= killed for command in arm.commands)


def test_fault_47_a_stale_set_of_weights_is_ignored(tmp_path):
    sizes = [3, 8, 2]
    about = PolicyAbout(
        sizes=sizes,
        joints=[],
        torque_limit=[],
        control_period=0.04,
        task="none",
        urdf_sha256="",
        seed=0,
        steps=0,
        updates=0,
        package_version="0",
        config={},
    )
    config = Config().with_parameters({"run.clock": "realtime"})
    learner = WorkerClient(config, about, tmp_path, target=goes_back)
    try:
        learner.wait_until_ready()
        seen = [learner.newer_weights()]
        for count in (2, 3):
            zeros = np.zeros(3, dtype=np.float32)
            learner.push(Experience(zeros, zeros[:2], 0.0, 0.98, zeros))
            wait_until(lambda count=count: learner._progress.value == count, LONG, "the next set")
            seen.append(learner.newer_weights())
        assert [None if one is None else set(one.tolist()) for one in seen] == [{1.0}, {5.0}, None]
        assert learner.newer_weights() is None
    finally:
        learner.cancelled = True
        learner.stop(1.0, 1.0)


# the simulator


def test_fault_38_a_simulator_that_is_killed_discards_the_episode_and_the_run_goes_on(
    tmp_path, ros_domain
):
    pytest.importorskip("pybullet")
    given = {
        "run__clock": "realtime",
        "task__episode_seconds": 0.4,
        "sim__start_position": [0.5, 1.0],
        "sim__start_position_spread": 0.2,
    }
    learning = SMALL | {"learner__mode": "eager", "run__directory": tmp_path / "run"}
    learning |= {"safety__auto_arm": True, "safety__ramp_seconds": 0.0}
    learning |= {"safety__latch_after": 1.0}  # no pause of a busy machine latches before that
    onlooker, episodes, processes = Onlooker(ros_domain), [], []
    environment = forgotten_soon(tmp_path)  # the simulator has a successor

    def start(module, **more):
        words = ros_arguments(given | more)
        processes.append(Process(tmp_path, module, *words, environment=environment))
        return processes[-1]

    try:
        simulator = start("sim.simulator_node")
        agent = start("ddpg_ros.ros.nodes.agent", **learning)
        torques = onlooker.record("joint_command")
        onlooker.node.create_subscription(
            Float64MultiArray, "agent/episode", lambda m: episodes.append(list(m.data)), MANY
        )
        onlooker.until(lambda: len(episodes) >= 2, "two episodes")
        os.kill(simulator.popen.pid, signal.SIGKILL)
        onlooker.until(lambda: onlooker.mode("agent") == "fault", "the fault")
        assert onlooker.value("agent", "cause").startswith("no joint state for 1")
        count = len(torques)
        onlooker.until(lambda: len(torques) > count + 10, "torques of the watchdog")
        assert not any(any(command.torque) for command in torques[count:])
        known, steps = len(episodes), int(onlooker.value("agent", "steps"))

        start("sim.simulator_node")
        onlooker.until(lambda: len(episodes) >= known + 2, "two more episodes")
        assert {episode[1] for episode in episodes} == {10}  # the open one is none
        onlooker.until(lambda: int(onlooker.value("agent", "steps")) >= steps + 20, "steps")
        assert onlooker.value("agent", "state") in ("active", "armed")
        assert int(onlooker.value("agent", "latches")) >= 1
        assert agent.interrupt()[0] == 0
        onlooker.until(lambda: torques and not any(torques[-1].torque), "zero torque")
        assert "Traceback" not in agent.said
    finally:
        for process in processes:
            process.kill_family()
        onlooker.close()


# mistakes of ours


@pytest.mark.parametrize(
    ("node", "method", "kind"),
    [
        ("policy", "tick", "SystemExit"),
        ("policy", "check", "ZeroDivisionError"),
        ("policy", "reset", "ZeroDivisionError"),
        ("policy", "give_goal", "ZeroDivisionError"),
        ("policy", "watch", "MemoryError"),
        ("guard", "commanded", "KeyboardInterrupt"),
        ("agent", "tick", "ZeroDivisionError"),
        ("agent", "save", "ZeroDivisionError"),
    ],
)
def test_fault_41_an_exception_in_a_callback_ends_in_zero_torque_a_fault_and_an_exit_code(
    agent, arm, policy, tmp_path, monkeypatch, node, method, kind
):
    file = tmp_path / "now"
    monkeypatch.setenv("DDPG_ROS_FAULT", f"{node}:{method}:{kind}:{file}")
    settings = SMALL if node == "agent" else {"run__policy": policy} if node == "policy" else {}
    process = agent("test.ros.faulty", **REAL | settings)
    heard = arm.onlooker.record("guarded_command") if node == "guard" else arm.commands
    if node == "guard":
        commands = arm.robot.node.create_publisher(JointState, "joint_command", 1)
        arm.orders.append((commands, (0.5, -0.25)))
    goals = arm.robot.node.create_publisher(PointStamped, "goal", LATCHED)
    arm.until(lambda: any(any(command.torque) for command in heard[-5:]), "a torque")
    said = arm.onlooker.diagnostics
    arm.until(lambda: said.get(node) and said[node][-1].values["state"] == "active", "its word")

    file.touch()
    if method in ("reset", "save"):
        arm.onlooker.ask(Trigger, f"{node}/{method}")
    if method == "give_goal":
        arm.until(lambda: goals.get_subscription_count() > 0, "somebody who listens")
        goals.publish(PointStamped())
    arm.until(lambda: not process.running, "the end")
    arm.robot.drain()
    assert process.exit(1.0) == 1
    assert f"{kind}: a mistake of ours" in process.said
    assert_zeros_last(heard, arm.robot.turn)
    assert said[node][-1].values["state"] == "fault"
    assert "a mistake of ours" in said[node][-1].values["cause"]
    assert process.gone()


# told to end


def assert_ended_well(process, arm, folder, *signals):
    """Send signals, and see that torque, learner, files and exit are as they should be."""
    code, took = process.interrupt(*signals)
    assert code == 0, process.said
    assert took < 2.0, process.said
    arm.robot.drain()
    assert_zeros_last(arm.commands, arm.robot.turn)
    assert process.gone() and "Traceback" not in process.said
    run = folder / "run"
    policy = load_policy(run / "policy.safetensors")
    assert newest_generation(run / "checkpoints", run)[0] is not None
    assert json.loads((run / "summary.json").read_text(encoding="utf-8"))["interrupted"]
    return policy


@pytest.mark.timing
@pytest.mark.parametrize(
    "signals",
    [(signal.SIGINT,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM)],
    ids=["SIGINT", "SIGINT-twice", "SIGTERM-twice"],
)
def test_a_signal_in_training_sends_zero_torque_last_and_keeps_policy_and_checkpoint(
    agent, arm, tmp_path, signals
):
    process = train(agent, arm)
    assert assert_ended_well(process, arm, tmp_path, *signals).about.updates > 20


@pytest.mark.timing
def test_a_signal_in_lock_step_keeps_the_policy_of_every_update(agent, arm, tmp_path):
    process = agent(**SMALL)
    arm.robot.lockstep = True
    arm.robot.until(lambda: len(arm.commands) > 75, "ten states to arm and 60 steps", LONG)
    arm.robot.lockstep = False
    kept = assert_ended_well(process, arm, tmp_path, signal.SIGHUP)  # the terminal is closed
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert kept.about.updates == summary["updates"] >= summary["steps"] - 20 > 30


@pytest.mark.timing
def test_fault_42_terminated_in_the_middle_of_saving_it_leaves_whole_files(agent, arm, tmp_path):
    process = train(agent, arm)
    answers = [arm.onlooker.ask(Trigger, "agent/save") for _ in range(5)]
    arm.until(lambda: answers[0].done(), "the first answer")
    assert answers[0].result().success
    assert_ended_well(process, arm, tmp_path, signal.SIGTERM, signal.SIGTERM)


@pytest.mark.timing
def test_fault_42_terminated_while_a_reset_is_awaited_it_sends_zero_torque_last(
    agent, arm, policy
):
    slow = rclpy.create_node("slow", context=arm.robot.node.context)
    slow.create_service(Trigger, "~/reset", lambda _, response: response)  # nobody spins it
    process = agent(run__policy=policy, run__clock="realtime", control__reset_service="slow/reset")
    arm.until(lambda: arm.onlooker.mode("agent") == "armed", "the wait for an episode")
    arm.commands_more(5)
    code, took = process.interrupt(signal.SIGTERM)
    assert code == 0 and took < 2.0, (took, process.said)
    arm.robot.drain()
    assert_zeros_last(arm.commands, arm.robot.turn)
    assert process.gone() and "Traceback" not in process.said
    slow.destroy_node()
