"""The guard between a policy and the simulator: real processes, real time, 100 Hz."""

import os
import signal
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("pybullet")

from ddpg_ros.config.settings import Config
from test.dotted import dotted
from test.processes import Process, forgotten_soon, ros_arguments
from test.ros.conftest import make_policy
from test.ros.onlooker import LONG, Onlooker

pytestmark = [pytest.mark.ros, pytest.mark.bullet, pytest.mark.slow, pytest.mark.timing]

ARM = {
    "control__period": 0.01,
    "control__reset_service": "",
    "sim__physics_timestep": 0.005,
    "sim__start_position": [-1.8, 0.6],
    "sim__start_position_spread": 0.0,
    "run__clock": "realtime",
}
GENTLE = 0.02  # of the torque limits: both joints creep upwards, 0.1 rad/s and less
REPETITIONS = 5
LIMITS = (2.0, 1.0)  # [N·m], of reacher2
SAFE_WITHIN = 0.1  # [s]


class Line:
    """Policy → guard → simulator, and somebody who looks on."""

    def __init__(self, folder, domain):
        self.folder, self.processes = folder, []
        self.environment = forgotten_soon(folder)  # whoever is killed has a successor
        self.policy_file = make_policy(
            folder / "gentle.safetensors", Config().with_parameters(dotted(**ARM)), GENTLE
        )
        self.onlooker = Onlooker(domain)
        self.asked = self.onlooker.record("joint_command")
        self.passed = self.onlooker.record("guarded_command")
        self.states = self.onlooker.record("joint_states")  # effort: the torque that acted
        self.until = self.onlooker.until
        self.simulator = self.start_simulator()
        self.guard = self.start("ddpg_ros.ros.nodes.guard", safety__ramp_seconds=0.0)
        self.policy = self.start_policy()

    def start(self, module, *more, **settings):
        given = ARM | {"control__reset_service": "''"} | settings
        words = ros_arguments(given, *more)
        self.processes.append(Process(self.folder, module, *words, environment=self.environment))
        return self.processes[-1]

    def start_simulator(self):
        return self.start("sim.simulator_node", "-r", "joint_command:=guarded_command")

    def start_policy(self):
        settings = {"run__policy": self.policy_file, "safety__auto_arm": True}
        module = "ddpg_ros.ros.nodes.policy"
        return self.start(module, **settings, safety__ramp_seconds=0.0)

    def close(self):
        for process in self.processes:
            process.kill_family()
        self.onlooker.close()

    def until_granted(self, service):
        """Ask the guard until it grants; states must be fresh, and ten in a row."""
        name = f"guard/{service}"

        def granted():
            self.look_on(0.05)
            return self.onlooker.trigger(name).success

        self.until(granted, f"{service} of the guard")

    def drive(self):
        """Arm the guard and wait until the arm is driven; again where the machine was too busy."""
        begun = len(self.states)

        def driven():
            mode = self.onlooker.mode("guard")
            if mode in ("disarmed", "fault"):
                self.look_on(0.05)
                self.onlooker.trigger("guard/reset")
                self.onlooker.trigger("guard/arm")
            recent = [command.torque for command in self.passed[-20:]]
            driving = len(recent) == 20 and all(drives(torque) for torque in recent)
            return mode == "active" and len(self.states) > begun + 20 and driving

        self.until(driven, "torque")

    def look_on(self, seconds):
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end, "the end of it")


def drives(torque):
    """Whether a torque is the policy's, which asks for GENTLE of each limit: half of it, or more.

    What stands in for it is zero, or brakes. An arm that is braked may swing back, and then
    braking is upwards, too, but not so much: a tenth of GENTLE with the elbow near its limit.
    """
    return any(one > 0.5 * GENTLE * limit for one, limit in zip(torque, LIMITS, strict=True))


def first_safe_after(commands, instant):
    """Return when the first of those came that nothing but safe ones follow [s] after it."""
    later = [command for command in commands if command.sent > instant]
    safe = len(later)
    while safe and not drives(later[safe - 1].torque):
        safe -= 1
    assert safe < len(later), [command.torque for command in later]
    return 1e-9 * (later[safe].sent - instant)


@pytest.fixture
def line(tmp_path, ros_domain):
    line = Line(tmp_path, ros_domain)
    yield line
    line.close()


def test_what_passes_the_guard_is_what_was_commanded_and_no_process_has_torch(line):
    line.drive()

    def troubles():
        values = line.onlooker.said("guard").values
        return [values[key] for key in values if key.startswith(("guard.", "degrad", "latch"))]

    def equal():
        before, count = troubles(), len(line.passed)
        line.look_on(1.5)
        quiet = troubles() == before  # no delay of a busy machine was in between
        asked = {command.stamp: command.torque for command in line.asked}
        window = [c for c in line.passed[count:] if c.stamp in asked]
        assert all(c.names == ("shoulder", "elbow") for c in window)
        if not (quiet and all(drives(c.torque) for c in window)):
            line.drive()
            return False
        assert all(c.torque == asked[c.stamp] for c in window)
        return len({c.stamp for c in window}) > 50

    line.until(equal, "a quiet stretch in which all that passes is what was asked for")
    for process in (line.guard, line.policy):
        maps = Path(f"/proc/{process.popen.pid}/maps").read_text(encoding="utf-8")
        assert "libfastrtps" in maps and "torch" not in maps


def test_fault_37_a_policy_that_is_killed_leaves_a_safe_torque_within_100_ms(
    line, record_property
):
    at_guard, at_arm = [], []
    for repetition in range(REPETITIONS):
        if repetition:
            assert line.onlooker.mode("guard") == "fault"
            answer = line.onlooker.trigger("guard/reset")
            assert not answer.success and "no command comes from the policy" in answer.message
            answer = line.onlooker.trigger("guard/arm")
            assert not answer.success and "fault is latched (no command for" in answer.message
            line.policy = line.start_policy()
            line.until_granted("reset")
            line.until(lambda: line.onlooker.mode("guard") == "disarmed", "the word of it")
            line.until(lambda: not any(any(c.torque) for c in line.passed[-5:]), "zero torque")
        line.drive()
        os.kill(line.policy.popen.pid, signal.SIGKILL)
        killed = time.time_ns()
        line.until(lambda: line.onlooker.mode("guard") == "fault", "the fault")
        line.look_on(0.2)
        at_guard.append(first_safe_after(line.passed, killed))
        at_arm.append(first_safe_after(line.states, killed))
        assert line.onlooker.said("guard").values["cause"].startswith("no command for 1")
    for where, times in (("guard", at_guard), ("arm", at_arm)):
        figures = [round(1e3 * one) for one in sorted(times)]
        record_property(f"safe_after_ms_{where}", figures)
        print(f"safe after the kill, at the {where}: {figures} ms")
        # As designed 30 ms from the last command, a look of the watchdog and one period of the
        # simulator: at most about 45 ms, which leaves 55 ms to a busy machine.
        assert max(times) < SAFE_WITHIN, figures
    assert line.guard.running and "Traceback" not in line.guard.said


def test_fault_38_a_simulator_that_is_killed_gets_zero_torque_and_an_arm_that_is_disarmed(line):
    line.drive()
    os.kill(line.simulator.popen.pid, signal.SIGKILL)
    killed = time.time_ns()
    line.until(lambda: line.onlooker.mode("guard") == "fault", "the fault")
    line.look_on(0.3)
    later = [command for command in line.passed if command.sent > killed]
    zeros = [command for command in later if not any(command.torque)]
    assert len(zeros) >= 5
    assert not any(any(command.torque) for command in later[later.index(zeros[0]) :])
    assert line.onlooker.said("guard").values["cause"].startswith("no joint state for 1")
    answer = line.onlooker.trigger("guard/reset")
    assert not answer.success and "no fresh joint state is there" in answer.message

    line.simulator = line.start_simulator()
    line.until_granted("reset")
    line.until(lambda: line.onlooker.mode("guard") == "disarmed", "the word of it")
    count = len(line.passed)
    line.until(lambda: len(line.passed) > count + 20, "zeros")
    assert not any(any(command.torque) for command in line.passed[count:])
    line.drive()
    assert line.guard.running and line.policy.running


def test_the_guard_ends_by_itself_and_is_not_missed_by_the_simulator(line):
    line.drive()
    os.kill(line.guard.popen.pid, signal.SIGKILL)
    killed = time.time_ns()
    line.until(lambda: "no joint_command for 0.1 s" in line.simulator.said, "the timeout", LONG)
    line.look_on(0.2)
    assert first_safe_after(line.states, killed) < 1.0  # 0.1 s, and what a busy machine adds
