"""Whatever comes to a node, as states, commands, goals, times or requests: never an exception."""

import math
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

rclpy = pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, PointStamped
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

from ddpg_ros.config.settings import Config
from ddpg_ros.ros.nodes import guard as guard_node
from ddpg_ros.ros.nodes import policy as policy_node
from ddpg_ros.ros.runtime.arguments import Arguments, read_arguments
from ddpg_ros.ros.runtime.main import take_down
from test.conftest import free_domain
from test.processes import ros_arguments
from test.ros.conftest import make_policy

pytestmark = pytest.mark.ros

LIMIT, READ_ONLY = "robot.torque_limit", "control.period"
TEXT = st.text(max_size=20)
NAMES = st.sampled_from([LIMIT, READ_ONLY, "nothing", "", "a b", "use_sim_time"]) | TEXT
VALUES = st.builds(
    ParameterValue,
    type=st.integers(0, 255),
    bool_value=st.booleans(),
    integer_value=st.integers(-(2**63), 2**63 - 1),
    double_value=st.floats(),
    string_value=TEXT,
    byte_array_value=st.lists(st.binary(min_size=1, max_size=1), max_size=3),
    bool_array_value=st.lists(st.booleans(), max_size=3),
    integer_array_value=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    double_array_value=st.lists(st.floats(), max_size=3),
    string_array_value=st.lists(TEXT, max_size=3),
)
PARAMETERS = st.lists(st.builds(Parameter, name=NAMES, value=VALUES), max_size=4)
SIMPLE = {DescribeParameters: "names", GetParameters: "names", GetParameterTypes: "names"}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """A guard and a policy node at work in this process."""
    policy = make_policy(tmp_path_factory.mktemp("any") / "any.safetensors", Config())
    given = ros_arguments({"run__policy": policy, "safety__auto_arm": True})
    with pytest.MonkeyPatch.context() as patch, free_domain(patch):
        rclpy.init()
        nodes = [guard_node.make_node(Arguments()), policy_node.make_node(read_arguments(given))]
        for node in nodes:
            node.start()
        yield nodes
        ends = [end for node in nodes for end in (node.rest, node.destroy_node)]
        take_down([*ends, rclpy.try_shutdown], None)


@pytest.fixture
def guard(nodes):
    return nodes[0]


def state(stamp, position, velocity, effort, names=("shoulder", "elbow")):
    message = JointState(name=list(names), position=position, velocity=velocity, effort=effort)
    message.header.stamp.sec, message.header.stamp.nanosec = stamp
    return bytes(serialize_message(message))


PAIRS = st.lists(st.floats(), min_size=2, max_size=2)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
LIKELY = st.lists(st.floats(-6.0, 6.0) | FINITE, min_size=2, max_size=2)
STAMPS = st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32 - 1))
LATER = st.tuples(st.just(2**31 - 1), st.integers(0, 10**9 - 1))
MESSAGES = st.binary(max_size=60) | st.builds(
    state, STAMPS | LATER, PAIRS | LIKELY, PAIRS | LIKELY, PAIRS | LIKELY
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(MESSAGES, max_size=15))
@example([state((5, 0), [1e308, -1e308], [1e308, 0.0], [1e308, math.nan])] * 4)
@example([state((5, number), [1e308, -1e308], [0.0, 0.0], [1e308, 0.0]) for number in range(12)])
def test_fault_56_any_row_of_states_and_commands_leaves_every_torque_finite_and_within_limits(
    nodes, row
):
    guard, _ = nodes
    for message in row:
        for node in nodes:
            node.states.on_message(message, {"publication_sequence_number": None})
        guard.role.on_command(message)
        for node in nodes:
            last, limits = node.safety.guard.last, node.safety.guard.limits.torque
            assert np.isfinite(last).all() and (np.abs(last) <= limits).all()
    for node in nodes:
        node.diagnostics.report(node.active)
        assert len(node.safety.cause) < 2_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.floats(), min_size=3, max_size=3))
def test_fault_56_any_goal_is_taken_or_refused(nodes, point):
    x, y, z = point
    nodes[1].role.goals.on_message(PointStamped(point=Point(x=x, y=y, z=z)))
    assert np.isfinite(nodes[1].role.session.goal).all()


def ask(node, kind, **fields):
    service = next(service for service in node.services if service.srv_type is kind)
    return service.callback(kind.Request(**fields), kind.Response())


def weird(type_):
    return [Parameter(name=LIMIT, value=ParameterValue(type=type_, double_array_value=[0.1, 0.1]))]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(PARAMETERS)
@example(weird(77))
@example(weird(255))
@example(weird(0))
def test_fault_56_every_request_to_set_parameters_is_answered_and_no_limit_is_raised(
    guard, parameters
):
    before = guard.safety.guard.limits.torque
    answers = ask(guard, SetParameters, parameters=parameters).results
    assert len(answers) == len(parameters)
    answers = [*answers, ask(guard, SetParametersAtomically, parameters=parameters).result]
    assert all(answer.successful or answer.reason for answer in answers)
    after = guard.safety.guard.limits.torque
    assert np.isfinite(after).all() and (after > 0.0).all() and (after <= before).all()


def test_fault_57_a_huge_request_is_refused_in_short_and_soon(guard):
    for value in (
        ParameterValue(type=8, double_array_value=[0.1] * 1_000_000),
        ParameterValue(type=4, string_value="x" * 8_000_000),
        ParameterValue(type=9, string_array_value=["x" * 1_000_000] * 3),
    ):
        request = [Parameter(name=LIMIT, value=value)]
        begun = time.thread_time()  # which other processes do not count in
        (answer,) = ask(guard, SetParameters, parameters=request).results
        assert time.thread_time() - begun < 1.0  # 10 ms; listing all the numbers takes longer
        assert not answer.successful and 10 < len(answer.reason) < 3_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32 - 1))
@example(-1, 0)
@example(2**31 - 1, 2**32 - 1)
def test_fault_56_a_simulated_time_that_is_none_is_dropped(guard, seconds, nanoseconds):
    for flag in (True, False):
        assert guard.set_parameters([rclpy.Parameter("use_sim_time", value=flag)])[0].successful
        if flag:
            clock = next(one for one in guard.subscriptions if one.msg_type is Clock)
            clock.callback(Clock(clock=Time(sec=7, nanosec=5)))
            clock.callback(Clock(clock=Time(sec=seconds, nanosec=nanoseconds)))
            valid = seconds >= 0 and nanoseconds < 10**9
            expected = seconds * 10**9 + nanoseconds if valid else 7_000_000_005
            assert guard.get_clock().now().nanoseconds == expected
            guard.diagnostics.report(guard.active)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(NAMES, max_size=5), st.integers(0, 2**64 - 1))
def test_fault_56_every_request_about_parameters_is_answered(guard, names, depth):
    for kind, field in SIMPLE.items():
        assert ask(guard, kind, **{field: names}) is not None
    assert ask(guard, ListParameters, prefixes=names, depth=depth) is not None
