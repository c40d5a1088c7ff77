"""Faults of parameters and of those who set them, 48 to 51."""

import math

import pytest

pytest.importorskip("rclpy")

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from test.faults.realtime import act, acting, assert_quiet_since, assert_within_limits, reset
from test.ros.fake_robot import PERIOD
from test.ros.test_agent import SMALL

pytestmark = [pytest.mark.ros, pytest.mark.slow]


@pytest.mark.parametrize("kind", ["gaussian", "ornstein_uhlenbeck"])
def test_fault_48_absurd_noise_stays_within_limits_and_rate(agent, robot, kind):
    rate = 10.0  # [N·m/s]; four times that toward zero
    noise = {"noise__kind": kind, "noise__sigma": 1e6, "noise__sigma_final": 1e6}
    agent(**SMALL | noise, robot__torque_rate=rate)
    robot.lockstep = True
    robot.until(lambda: len(robot.commands) > 150, "150 torques")
    robot.lockstep = False
    assert_within_limits(robot)
    up, safe = rate * PERIOD * 1e-9, 4.0 * rate * PERIOD * 1e-9
    reached = 0.0
    for last, command in zip(robot.commands, robot.commands[1:], strict=False):
        if command.stamp == last.stamp + PERIOD:  # not over a reset, which begins from nothing
            for before, now in zip(last.torque, command.torque, strict=True):
                assert math.isfinite(now)
                assert abs(now - before) <= safe + 1e-9, (last, command)
                assert abs(now) <= max(abs(before), up) + up + 1e-9, (last, command)
                reached = max(reached, abs(now))
    assert reached > 0.5  # the noise does arrive


@pytest.mark.parametrize(
    ("module", "given", "sentence"),
    [
        ("agent", {"robot__torque_limit": "[.nan, 1.0]"}, "nan"),
        ("guard", {"safety__velocity_limit": "[.inf, 1.0]"}, "inf"),
        (
            "policy",
            {"robot__torque_limit": "[2.5, 1.0]"},
            "robot.torque_limit is [2.5, 1.0]; expected one number for each joint, at most the "
            "URDF's effort [N·m]: shoulder 2, elbow 1.",
        ),
        (
            "agent",
            {"safety__k_velocity": "[400.0, 0.15]"},
            "k_velocity of shoulder 400, elbow 0.15 N·m·s/rad do not hold at control.period "
            "0.04 s: k_velocity · k_position · velocity limit is up to 12000 N·m/s",
        ),
        (
            "agent",
            {"safety__fallback": "hold"},
            "safety.fallback is hold while run.clock is lockstep",
        ),
    ],
    ids=["nan", "infinite", "torque", "gains", "hold in lock-step"],
)
def test_fault_49_settings_that_cannot_be_are_refused_whole_with_the_numbers(
    agent, robot, policy, tmp_path, module, given, sentence
):
    learning = {"run__policy": policy} if module == "policy" else {}
    process = agent(f"ddpg_ros.ros.nodes.{module}", **learning | given)
    robot.until(lambda: not process.running, "the end")
    assert process.exit(1.0) == 2
    (name,) = given
    assert sentence in process.said and name.rpartition("__")[2] in process.said
    assert "Traceback" not in process.said
    robot.drain()
    assert robot.commands == []
    assert process.gone()
    assert not (tmp_path / "run").exists()


def numbers(name, *values):
    value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE_ARRAY)
    value.double_array_value = [float(number) for number in values]
    return Parameter(name=name, value=value)


def number(name, value):
    double = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)
    return Parameter(name=name, value=double)


def set_to(robot, *parameters):
    """Set parameters of the policy node through its service; return success and reason."""
    request = SetParameters.Request(parameters=list(parameters))
    response = robot.call("policy/set_parameters", SetParameters, request)
    return [(result.successful, result.reason) for result in response.results]


def largest(commands):
    return [max(abs(c.torque[joint]) for c in commands) for joint in range(2)]


def test_fault_50_a_torque_limit_is_lowered_at_once_and_never_raised(robot, policy_node):
    policy_node()
    robot.at_rest = True  # and so is what the policy asks for
    act(robot)
    robot.stream_for(0.6)
    before = largest(robot.commands)
    limits = "robot.torque_limit"
    for values in ((2.5, 1.0), (1.0, 1.5), (math.nan, 0.5), (-1.0, 0.5), (0.0, 0.5), (1.0,)):
        ((successful, reason),) = set_to(robot, numbers(limits, *values))
        assert not successful
        assert "at most the limit in force [N·m]: shoulder 2, elbow 1" in reason
    lower = [torque / 2 for torque in before]
    assert set_to(robot, numbers(limits, *lower)) == [(True, "")]
    count = len(robot.commands)
    robot.stream_for(0.6)
    robot.drain()
    for command in robot.commands[count:]:
        for torque, limit in zip(command.torque, lower, strict=True):
            assert abs(torque) <= limit, (command, lower)
    reached = largest(robot.commands[count:])
    assert reached == pytest.approx(lower)  # that limit is what holds it
    ((successful, reason),) = set_to(robot, numbers(limits, 2.0, 1.0))
    assert not successful and "To raise a limit, restart the node." in reason
    acting(robot)
    assert robot.status("latches") == "0"


def test_fault_50_no_other_parameter_changes_and_nothing_is_taken_in_half(robot, policy_node):
    policy_node()
    robot.at_rest = True  # and so is what the policy asks for
    act(robot)
    robot.stream_for(0.6)
    before = largest(robot.commands)
    for name, value in (
        ("robot.torque_rate", 1e5),
        ("safety.position_tolerance", 3.0),
        ("safety.ramp_seconds", 0.5),
        ("control.period", 0.02),
    ):
        ((successful, reason),) = set_to(robot, number(name, value))
        assert not successful and "read-only" in reason
    both = [numbers("robot.torque_limit", 0.01, 0.01), number("robot.torque_rate", 1e5)]
    request = SetParametersAtomically.Request(parameters=both)
    service = "policy/set_parameters_atomically"
    assert not robot.call(service, SetParametersAtomically, request).result.successful
    count = len(robot.commands)
    robot.stream_for(0.5)
    assert max(largest(robot.commands[count:])) > 0.5 * max(before)
    acting(robot)
    assert robot.status("latches") == "0"


def test_fault_51_an_estop_flood_is_answered_and_holds_and_only_a_reset_ends_it(
    robot, policy_node
):
    policy_node()
    act(robot)
    deep = QoSProfile(depth=1000)  # or the answers are lost on this side
    clients = [
        robot.node.create_client(Trigger, "policy/estop", qos_profile=deep) for _ in range(5)
    ]
    robot.stream(lambda: all(c.service_is_ready() for c in clients), "the service")
    calls = [client.call_async(Trigger.Request()) for _ in range(60) for client in clients]
    begin = robot.stamp
    robot.stream(lambda: all(call.done() for call in calls), "an answer to each call")
    assert all(call.result().success for call in calls)
    assert all(call.result().message == "estop" for call in calls)
    robot.stream(lambda: robot.status("state") == "estop", "the emergency stop")
    assert robot.sentence() == "~/estop was called"
    assert robot.status("latches") == "1"
    robot.stream_for(0.5)
    later = [c for c in robot.commands if c.stamp > begin]
    assert len({c.stamp for c in later}) > 10  # the states are answered
    first_quiet = next(c for c in later if not any(c.torque))
    assert_quiet_since(robot, first_quiet.sent)
    refused = robot.call("policy/arm")
    assert not refused.success and "estop is latched" in refused.message
    reset(robot)
    robot.stream(lambda: robot.status("state") == "disarmed", "its word")
    count = len(robot.commands)
    robot.stream_for(0.5)
    assert robot.status("state") == "disarmed"
    assert not any(any(c.torque) for c in robot.commands[count:])
    act(robot)
    assert_within_limits(robot)
