"""Settings that are not what was asked for, 70 to 72."""

import os

import pytest

pytest.importorskip("rclpy")

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters

from test.processes import Process
from test.ros.onlooker import LONG, Onlooker

pytestmark = [pytest.mark.ros, pytest.mark.slow]

LIMIT = "robot.torque_limit"
SECTION = """\
/**:
  ros__parameters:
    robot: {urdf: reacher2}
    sim: {start_position: []}
    safety: {velocity_limit: [5, 5.5]}
guard:
  ros__parameters:
    robot: {torque_limit: [1.5, 1.0]}
"""


@pytest.fixture
def guard(tmp_path, ros_domain):
    """Starts a guard with a parameter file and more words; it is ended afterwards."""
    started = []

    def start(text, *words):
        file = tmp_path / "mine.yaml"
        file.write_text(text, encoding="utf-8")
        given = ("--ros-args", "--params-file", str(file), *words)
        started.append(Process(tmp_path, "ddpg_ros.ros.nodes.guard", *given))
        return started[-1]

    yield start
    for process in started:
        process.kill_family()


@pytest.fixture
def onlooker(ros_domain):
    onlooker = Onlooker(ros_domain)
    yield onlooker
    onlooker.close()


def shown(onlooker, *names):
    request = GetParameters.Request(names=names)
    values = onlooker.call(GetParameters, "guard/get_parameters", request).values
    assert all(value.type == ParameterType.PARAMETER_DOUBLE_ARRAY for value in values)
    return [list(value.double_array_value) for value in values]


def set_limit(onlooker, *limits):
    value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE_ARRAY, double_array_value=limits)
    request = SetParameters.Request(parameters=[Parameter(name=LIMIT, value=value)])
    (result,) = onlooker.call(SetParameters, "guard/set_parameters", request).results
    return result.successful, result.reason


def test_fault_70_the_limit_that_was_typed_last_is_in_force_said_and_shown(guard, onlooker):
    process = guard(SECTION, "-p", f"{LIMIT}:=[0.5,0.25]")
    onlooker.until(lambda: onlooker.state_of("guard") == "active", "it")
    names = (LIMIT, "safety.velocity_limit", "safety.k_position", "safety.damping")
    torque, velocity, k_position, damping = shown(onlooker, *names)
    assert (torque, velocity, damping) == ([0.5, 0.25], [5.0, 5.5], [])  # by inertia
    assert k_position == [5.0, 5.0]
    said = process.said
    for joint, limit, fastest in (("shoulder", "0.5", "5"), ("elbow", "0.25", "5.5")):
        line = f"in force: {joint}: torque {limit} N·m, velocity {fastest} rad/s, position"
        assert said.count(line) == 1, said


def test_fault_70_a_general_section_that_would_undo_one_of_the_node_is_refused(guard):
    undone = SECTION + "/*:\n  ros__parameters:\n    robot: {torque_limit: [2, 1]}\n"
    process = guard(undone)
    assert process.exit(LONG) == 2
    (line,) = process.said.strip().splitlines()
    assert f"{LIMIT} as [1.5, 1.0] under 'guard'" in line and "[2, 1] under '/*'" in line


def test_fault_71_a_limit_that_was_lowered_stays_lowered_when_configured_again(guard, onlooker):
    process = guard(SECTION)
    onlooker.until(lambda: onlooker.state_of("guard") == "active", "it")
    assert set_limit(onlooker, 0.5, 0.25) == (True, "")
    assert "in force from now on: torque shoulder 0.5 N·m, elbow 0.25 N·m" in process.said
    for transition in ("deactivate", "cleanup"):
        assert onlooker.change("guard", transition)
    successful, reason = set_limit(onlooker, 0.4, 0.2)
    assert not successful and "before the node is configured" in reason
    for transition in ("configure", "activate"):
        assert onlooker.change("guard", transition)
    assert shown(onlooker, LIMIT) == [[0.5, 0.25]]
    onlooker.until(lambda: process.said.count("in force: shoulder: torque 0.5 N·m") == 1, "it")
    successful, reason = set_limit(onlooker, 1.5, 1.0)
    assert not successful and "in force [N·m]: shoulder 0.5, elbow 0.25" in reason


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("run: {steps: 1_000}", "run.steps is '1_000'; input should be a valid integer."),
        ("use_sim_time: 3", "use_sim_time is 3; expected true or false."),
    ],
)
def test_fault_72_a_value_of_another_kind_is_refused_in_one_sentence(guard, line, sentence):
    process = guard(f"/**:\n  ros__parameters:\n    {line}\n")
    assert process.exit(LONG) == 2
    (said,) = process.said.strip().splitlines()
    assert sentence in said and "mine.yaml" in said


def test_fault_72_a_pipe_for_a_parameter_file_is_refused_and_not_waited_for(tmp_path, ros_domain):
    os.mkfifo(tmp_path / "pipe")
    given = ("--ros-args", "--params-file", str(tmp_path / "pipe"))
    process = Process(tmp_path, "ddpg_ros.ros.nodes.guard", *given)
    try:
        assert process.exit(LONG) == 2
    finally:
        process.kill_family()
    assert "pipe is a pipe or a device; expected a regular YAML file" in process.said
