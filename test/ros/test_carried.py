"""An arm that is carried by `robot.gravity: model`, over real topics: policy → guard → robot."""

import os
import signal
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("pybullet")

from sensor_msgs.msg import JointState

from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.payload import Payload
from test.dotted import dotted
from test.processes import Process, forgotten_soon, ros_arguments
from test.ros.conftest import make_policy
from test.ros.onlooker import MANY, Onlooker
from test.upright import UPRIGHT

pytestmark = [pytest.mark.ros, pytest.mark.bullet, pytest.mark.slow, pytest.mark.timing]

START = [-0.4, 0.9]
LOAD = 0.5  # [kg]
ARM = {
    "robot__gravity": "model",
    "robot__payload_mass": LOAD,
    "control__period": 0.02,
    "sim__physics_timestep": 0.005,
    "sim__start_position": START,
    "sim__start_position_spread": 0.0,
    "run__clock": "realtime",
    "safety__auto_arm": True,
    "safety__ramp_seconds": 0.0,
    "safety__latch_after": 0.3,
}
SINKS = 0.01  # [m/s]
NOBODY = "''"


class Line:
    """Policy → guard → simulator, each with the same settings; and somebody who looks on."""

    def __init__(self, folder, domain):
        self.folder, self.processes = folder, {}
        self.environment = forgotten_soon(folder)
        file = folder / "upright.urdf"
        file.write_text(UPRIGHT)
        self.given = ARM | {"robot__urdf": str(file)}
        config = Config().with_parameters(dotted(**self.given, control__reset_service=""))
        self.robot = Robot.load(str(file))
        self.mass = MassMatrix(self.robot, Payload(LOAD, (0.0, 0.0, 0.0)))
        self.policy_file = make_policy(folder / "idle.safetensors", config, 0.0)
        self.onlooker = Onlooker(domain)
        self.asked = self.onlooker.record("joint_command")
        self.passed = self.onlooker.record("guarded_command")
        self.states = []  # (time [s], position, velocity)
        self.onlooker.node.create_subscription(JointState, "joint_states", self.on_state, MANY)
        self.until = self.onlooker.until

    def on_state(self, message):
        self.states.append(
            (time.monotonic(), np.array(message.position), np.array(message.velocity))
        )

    def start(self, name, module, *more, **settings):
        words = ros_arguments(self.given | {"control__reset_service": NOBODY} | settings, *more)
        process = Process(self.folder, module, *words, environment=self.environment)
        self.processes[name] = process

    def start_all(self):
        self.start("simulator", "sim.simulator_node", "-r", "joint_command:=guarded_command")
        self.start("guard", "ddpg_ros.ros.nodes.guard")
        self.start("policy", "ddpg_ros.ros.nodes.policy", run__policy=self.policy_file)

    def look_on(self, seconds):
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end, "the end of it")

    def until_active(self):
        both = ("guard", "policy")
        self.until(lambda: all(self.onlooker.mode(n) == "active" for n in both), "both active")
        self.until(lambda: self.states and self.asked and self.passed, "all of their topics")

    def kill(self, name):
        os.kill(self.processes[name].popen.pid, signal.SIGKILL)

    def weight(self):
        return self.mass.weight(self.states[-1][1])

    def sinking(self, since):
        """Return the largest speed of the tip downwards since a time [m/s]."""
        speeds = [0.0]
        for at, position, velocity in self.states:
            if at > since:
                way = 1e-6 * velocity
                ends = [self.robot.tip_position(position + sign * way)[2] for sign in (1, -1)]
                speeds.append((ends[1] - ends[0]) / 2e-6)
        return max(speeds)

    def close(self):
        for process in self.processes.values():
            process.kill_family()
        self.onlooker.close()


@pytest.fixture
def line(tmp_path, ros_domain):
    line = Line(tmp_path, ros_domain)
    yield line
    line.close()


def test_fault_92_weight_is_added_once_on_the_way_and_the_arm_is_held_as_one_after_another_dies(
    line,
):
    line.start_all()
    line.until_active()
    line.look_on(1.0)
    once = line.weight()
    assert np.abs(once).min() > 1.0  # [N·m]
    # The policy asks for nothing, so that what is on either topic is what carries the arm.
    assert np.array(line.asked[-1].torque) == pytest.approx(once, rel=0.01)
    assert np.array(line.passed[-1].torque) == pytest.approx(once, rel=0.01)

    line.kill("policy")
    line.until(lambda: line.onlooker.mode("guard") == "fault", "the fault")
    line.look_on(0.5)  # an idle policy does not brake what the arm gained before it was carried
    since, held_at = time.monotonic(), line.states[-1][1]
    line.look_on(1.0)
    assert np.array(line.passed[-1].torque) == pytest.approx(line.weight(), rel=0.01)
    assert line.sinking(since) < SINKS

    line.kill("guard")
    since = time.monotonic()
    simulator = line.processes["simulator"]
    line.until(lambda: "the brakes hold the arm" in simulator.said, "the brakes")
    line.look_on(1.0)
    assert line.sinking(since) < SINKS
    assert line.states[-1][1] == pytest.approx(held_at, abs=0.01)


def test_fault_92_a_policy_that_ends_leaves_what_holds_the_arm_and_its_last_torques_are_that(line):
    line.start("simulator", "sim.simulator_node")
    line.start("policy", "ddpg_ros.ros.nodes.policy", run__policy=line.policy_file)
    line.until(lambda: line.onlooker.mode("policy") == "active", "an active policy")
    line.until(lambda: line.states and line.asked, "their topics")
    line.look_on(0.5)
    assert line.onlooker.trigger("policy/estop").success
    line.look_on(0.5)  # an idle policy does not brake what the arm gained before it was carried
    since = time.monotonic()
    line.look_on(1.0)
    assert np.array(line.asked[-1].torque) == pytest.approx(line.weight(), rel=0.01)
    policy = line.processes["policy"]
    policy.popen.send_signal(signal.SIGINT)
    line.until(lambda: not policy.running, "its end")
    assert policy.popen.returncode == 0, policy.said
    line.look_on(0.5)
    last = [command.torque for command in line.asked[-5:]]
    assert all(np.array(one) == pytest.approx(line.weight(), rel=0.01) for one in last)
    assert line.sinking(since) < SINKS
    assert "Traceback" not in policy.said


def test_the_brakes_open_onto_what_carries_the_arm(line):
    line.start("simulator", "sim.simulator_node")
    settings = {"run__policy": line.policy_file, "safety__auto_arm": False}
    line.start("policy", "ddpg_ros.ros.nodes.policy", **settings)
    line.until(lambda: len(line.asked) > 50 and line.states, "torques for a second, and states")
    assert line.onlooker.mode("policy") == "disarmed"
    assert np.array(line.asked[0].torque) == pytest.approx(line.weight(), rel=0.02)
    assert line.sinking(0.0) < SINKS


def test_fault_93_a_policy_of_another_weight_is_refused_with_the_two(line):
    other = {"robot__gravity": "none", "run__policy": line.policy_file}
    line.start("policy", "ddpg_ros.ros.nodes.policy", **other)
    policy = line.processes["policy"]
    line.until(lambda: not policy.running, "its end")
    assert policy.popen.returncode == 2
    assert "was trained with gravity model, and this robot has none" in policy.said
    heavier = {"robot__payload_mass": 0.7, "run__policy": line.policy_file}
    line.start("policy", "ddpg_ros.ros.nodes.policy", **heavier)
    policy = line.processes["policy"]
    line.until(lambda: not policy.running, "its end")
    assert policy.popen.returncode == 2
    assert "was trained with payload_mass 0.5, and this robot has 0.7" in policy.said
    assert not line.asked
