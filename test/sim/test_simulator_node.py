"""The simulator as its own process, over DDS: the lock-step protocol, real time, the exits."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from test.conftest import PATIENCE, wait_until

rclpy = pytest.importorskip("rclpy")
pytest.importorskip("pybullet")
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PointStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

pytestmark = [pytest.mark.ros, pytest.mark.bullet, pytest.mark.slow]

PERIOD = 40_000_000  # [ns]
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Process:
    """A simulator process; its stderr goes to a file."""

    def __init__(self, folder, *arguments, **parameters):
        self.stderr = folder / f"stderr-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "sim.simulator_node", "--ros-args", *arguments]
        for name, value in parameters.items():
            command += ["-p", f"{name.replace('__', '.')}:={value}"]
        with self.stderr.open("w") as sink:
            self.popen = subprocess.Popen(command, stderr=sink, cwd=os.getcwd())

    def said(self):
        return self.stderr.read_text()


@pytest.fixture
def start(tmp_path, ros_domain):
    """Starts simulators in this test's domain, and ends them."""
    processes = []

    def starter(*arguments, **parameters):
        processes.append(Process(tmp_path, *arguments, **parameters))
        return processes[-1]

    yield starter
    for process in processes:
        process.popen.kill()
        process.popen.wait()


class Driver:
    """What an agent sees of the simulator."""

    def __init__(self, domain):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("driver", context=self.context)
        self.states, self.counts, self.urdf = [], {}, []
        self.commands = self.node.create_publisher(JointState, "joint_command", 1)
        self.goals = self.node.create_publisher(PointStamped, "goal", LATCHED)
        self.resets = self.node.create_client(Trigger, "simulator/reset")
        self.node.create_subscription(JointState, "joint_states", self.states.append, 100)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._count, 10)
        self.node.create_subscription(
            String, "robot_description", lambda m: self.urdf.append(m.data), LATCHED
        )
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def _count(self, message):
        self.counts = {pair.key: int(pair.value) for pair in message.status[0].values}

    def until(self, condition, what):
        wait_until(condition, what=what, turn=lambda: self.executor.spin_once(timeout_sec=0.05))

    def until_counted(self, key, count):
        """Wait for a count: the next command replaces one that waits, as the newest alone does."""
        self.until(lambda: self.counts.get(key) == count, f"{count} {key}")

    def spin(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def ready(self):
        self.until(lambda: self.commands.get_subscription_count() == 1, "the simulator")
        self.until(lambda: self.states, "the first state")
        return self.states[-1]

    def send(self, stamp, efforts, names=("shoulder", "elbow")):
        message = JointState(name=list(names), effort=[float(effort) for effort in efforts])
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        self.commands.publish(message)

    def step(self, efforts=(0.3, -0.2), names=("shoulder", "elbow")):
        """Answer the newest state and return the one that follows."""
        before = self.stamp
        self.send(before, efforts, names)
        self.until(lambda: self.stamp > before, "the next state")
        return self.states[-1]

    def reset(self):
        self.until(self.resets.service_is_ready, "the reset service")
        future = self.resets.call_async(Trigger.Request())
        self.until(future.done, "the reset's answer")
        return future.result()

    @property
    def stamp(self):
        return nanoseconds(self.states[-1])

    @property
    def stamps(self):
        return [nanoseconds(state) for state in self.states]

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self.context)


def nanoseconds(message):
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


@pytest.fixture
def driver(ros_domain):
    driver = Driver(ros_domain)
    yield driver
    driver.close()


def test_each_matching_command_is_one_step_of_one_control_period(start, driver):
    process = start()
    first = driver.ready()
    assert "lockstep: states on /joint_states, commands from /joint_command" in process.said()
    assert nanoseconds(first) == PERIOD and list(first.name) == ["shoulder", "elbow"]
    for count in range(2, 30):
        state = driver.step((5.0, -0.2))
        assert nanoseconds(state) == count * PERIOD
        assert list(state.effort) == [2.0, -0.2]  # the applied torque, clipped to the limit
    assert 'name="reacher2"' in driver.urdf[0]


def test_a_command_with_another_stamp_is_ignored_and_counted(start, driver):
    start(sim__republish_after=30.0)
    driver.until(lambda: driver.commands.get_subscription_count() == 1, "the simulator")
    driver.send(PERIOD, (0.1, 0.1))
    driver.until(lambda: driver.states and driver.stamp == 2 * PERIOD, "the second state")
    for count, stamp in enumerate((0, PERIOD, 3 * PERIOD), start=1):
        driver.send(stamp, (0.1, 0.1))
        driver.until_counted("commands_ignored", count)
    assert driver.counts["steps"] == 1 and driver.stamps == [2 * PERIOD]


def test_fault_56_commands_that_are_no_message_are_rejected_and_end_no_simulator(start, driver):
    start()
    driver.ready()
    far = JointState(name=["shoulder", "elbow"], effort=[0.1, 0.1])
    far.header.stamp.sec, far.header.stamp.nanosec = 2**31 - 1, 2**32 - 1
    for bad in (b"\0\1\0\0" + b"\xff" * 40, far):
        before = driver.counts.get("commands_rejected", 0)

        def rejected(bad=bad, before=before):
            driver.commands.publish(bad)
            driver.spin(0.2)
            return driver.counts.get("commands_rejected", 0) > before

        driver.until(rejected, "one more that is rejected")
    driver.step()


def test_after_silence_the_same_state_comes_again(start, driver):
    start(sim__republish_after=0.05)
    driver.ready()
    driver.step()
    driver.until(lambda: driver.stamps.count(2 * PERIOD) >= 4, "the same state again")
    again = [s for s in driver.states if nanoseconds(s) == 2 * PERIOD]
    assert all(state.position == again[0].position for state in again)
    assert nanoseconds(driver.step()) == 3 * PERIOD


def test_a_doubled_command_is_one_step(start, driver):
    start()
    driver.ready()
    for count in range(2, 12):
        stamp = driver.stamp
        driver.send(stamp, (0.1, 0.1))
        driver.send(stamp, (0.1, 0.1))
        driver.until(lambda before=stamp: driver.stamp > before, "the next state")
        assert driver.stamp == count * PERIOD


def test_reset_draws_a_new_start_and_never_runs_time_backwards(start, driver):
    start(task__name="reach", sim__start_position_spread=2.0)
    first = driver.ready()
    driver.step()
    answer = driver.reset()
    assert answer.success and int(answer.message) == 3 * PERIOD
    driver.until(lambda: driver.stamp == 3 * PERIOD, "the state after the reset")
    state = driver.states[-1]
    assert list(state.velocity) == [0.0, 0.0] == list(state.effort)
    assert state.position != first.position
    driver.send(2 * PERIOD, (1.0, 1.0))  # meant for before the reset
    assert nanoseconds(driver.step()) == 4 * PERIOD
    assert driver.stamps == sorted(driver.stamps)


def test_order_and_extra_joints_do_not_change_the_next_state(start, driver):
    start("-r", "__ns:=/", run__seed=5)
    driver.ready()
    runs = []
    for names, efforts in (
        (("shoulder", "elbow"), (0.4, -0.1)),
        (("elbow", "gripper", "shoulder"), (-0.1, 9.0, 0.4)),
    ):
        process = start("-r", "__ns:=/second", run__seed=5) if runs else None
        other = driver
        if process:
            other = Driver.__new__(Driver)
            other.__dict__.update(driver.__dict__)
            other.states = []
            node = driver.node
            node.create_subscription(JointState, "/second/joint_states", other.states.append, 100)
            other.commands = node.create_publisher(JointState, "/second/joint_command", 1)
        other.ready()
        runs.append([other.step(efforts, names) for _ in range(5)])
    for one, two in zip(*runs, strict=True):
        assert one.position == two.position and one.velocity == two.velocity


def test_a_malformed_command_is_rejected_and_the_run_goes_on(start, driver):
    process = start()
    driver.ready()
    driver.send(PERIOD, (0.1,), ("shoulder",))
    driver.until_counted("commands_rejected", 1)
    driver.send(PERIOD, (0.1, float("nan")))
    driver.until_counted("commands_rejected", 2)
    driver.send(PERIOD, (0.1,))
    driver.until_counted("commands_rejected", 3)
    assert driver.stamp == PERIOD and "no joint elbow" in process.said()
    assert nanoseconds(driver.step()) == 2 * PERIOD


def test_a_goal_is_taken_and_the_first_episodes_become_a_gif(start, driver, tmp_path):
    gif = tmp_path / "new" / "rollout.gif"
    start(record=gif, record_episodes=1)
    driver.ready()
    goal = PointStamped()
    goal.point.x = 0.3
    driver.goals.publish(goal)
    driver.reset()
    driver.until(lambda: driver.stamp == 2 * PERIOD, "the state after the reset")
    for _ in range(10):
        driver.step()
    driver.reset()
    wait_until(gif.is_file, what="the GIF")
    assert gif.read_bytes()[:4] == b"GIF8"


@pytest.mark.timing
def test_real_time_follows_the_wall_clock_and_silence_means_zero_torque(start, driver):
    process = start(run__clock="realtime", sim__command_timeout=0.15)
    driver.ready()
    driver.send(0, (0.3, -0.2))
    driver.until(lambda: list(driver.states[-1].effort) == [0.3, -0.2], "the torque")
    driver.until(lambda: list(driver.states[-1].effort) == [0.0, 0.0], "zero torque")
    held = sum(list(state.effort) == [0.3, -0.2] for state in driver.states)
    assert 1 <= held <= 20  # 0.15 s are 4 periods
    count, stamp, wall = len(driver.states), driver.stamp, time.monotonic_ns()
    driver.until(lambda: len(driver.states) >= count + 20, "20 more states")
    elapsed = time.monotonic_ns() - wall
    assert driver.stamp - stamp == pytest.approx(elapsed, rel=0.5)
    assert (np.diff(driver.stamps) > 0).all()
    assert abs(driver.stamp - time.time_ns()) < 2e9
    assert process.said().count("zero torque") == 1
    driver.reset()
    driver.spin(0.1)
    assert (np.diff(driver.stamps) > 0).all()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("clock", ["lockstep", "realtime"])
def test_a_signal_ends_it_with_zero_within_two_seconds(start, driver, number, clock):
    process = start(run__clock=clock)
    driver.ready()
    begin = time.monotonic()
    process.popen.send_signal(number)
    process.popen.send_signal(number)
    assert process.popen.wait(timeout=PATIENCE) == 0
    assert time.monotonic() - begin < 2.0
    assert len(process.said().splitlines()) == 1  # that of its start


def test_a_second_simulator_leaves_with_a_sentence_and_the_first_stays(start, driver, ros_domain):
    first = start()
    driver.ready()
    driver.step()
    second = start()
    assert second.popen.wait(timeout=PATIENCE) == 2
    (said,) = second.said().splitlines()
    assert "another node publishes on /joint_states" in said
    assert f"domain {ros_domain}: process {first.popen.pid};" in said and "ROS_DOMAIN_ID" in said
    driver.step()
    assert first.popen.poll() is None


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"robot__urdf": "reacher3"}, "did you mean 'reacher2'"),
        ({"robot__urdff": "reacher2"}, "did you mean 'robot.urdf'"),
        ({"gui": "3"}, "expected a bool"),
    ],
)
def test_a_bad_setting_ends_it_with_two_and_one_line(start, parameters, said):
    process = start(**parameters)
    assert process.popen.wait(timeout=PATIENCE) == 2
    assert said in process.said() and len(process.said().splitlines()) == 1


def test_fault_76_a_joint_that_moves_no_mass_ends_it_with_two_and_one_line(start, tmp_path):
    arm = tmp_path / "frames.urdf"
    arm.write_text(
        '<robot name="frames"><link name="base"/><link name="arm"/><joint name="j" '
        'type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 1 0"/>'
        '<limit effort="5" velocity="10" lower="-3" upper="3"/></joint></robot>'
    )
    process = start(robot__urdf=arm)
    assert process.popen.wait(timeout=PATIENCE) == 2
    assert len(process.said().splitlines()) == 1
    assert f"{arm}: joint 'j' moves an inertia of 0 kg·m²" in process.said()
    assert "<inertial> with mass and inertia on link 'arm'" in process.said()
