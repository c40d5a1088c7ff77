"""The settings as ROS parameters: declared in full, and closed to change."""

import pytest

rclpy = pytest.importorskip("rclpy")

from rclpy.parameter import Parameter

from ddpg_ros.config.parameter_file import section_of
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.errors import ConfigError
from ddpg_ros.ros.interface.parameters import Extra, read_config, show_adapted
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.node import MainNode

pytestmark = pytest.mark.ros


@pytest.fixture
def make_node(ros_domain):
    """Makes nodes with settings as from a command line."""
    rclpy.init(args=[], domain_id=ros_domain)
    nodes = []

    def make(**given):
        settings = {name.replace("__", "."): value for name, value in given.items()}
        nodes.append(
            MainNode("agent", Arguments(sources=(("-p", (section_of("/**", settings, "-p"),)),)))
        )
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()


LISTS = {"control.cpus": "INTEGER_ARRAY"} | dict.fromkeys(
    ("robot.joints", "robot.xacro_arguments", "run.recordings"), "STRING_ARRAY"
)
"""The others hold floats."""


def test_every_setting_is_declared_with_its_value_type_and_sentence_an_empty_list_too(make_node):
    node = make_node(learner__batch_size=7)
    config = read_config(node)
    assert config == Config().with_parameters({"learner.batch_size": 7})
    for name, value in to_parameters(config).items():
        parameter = node.get_parameter(name)
        if value == []:
            wanted = Parameter.Type[LISTS.get(name, "DOUBLE_ARRAY")]
            assert list(parameter.value) == []
        else:
            wanted = Parameter.Type.from_parameter_value(value)
        assert parameter.type_ == wanted, name
        assert node.describe_parameter(name).type == wanted.value
        assert len(node.describe_parameter(name).description) > 5


def test_a_node_without_a_task_takes_a_file_whose_task_is_not_installed(make_node):
    node = make_node(task__name="not_installed:Here", task__force=2.0, control__period=0.02)
    config = read_config(node, with_task=False)
    assert config == Config().with_parameters({"control.period": 0.02})
    assert not node.has_parameter("task.name") and node.has_parameter("control.period")


def test_ranges_are_described(make_node):
    node = make_node()
    read_config(node)
    (discount,) = node.describe_parameter("learner.discount").floating_point_range
    assert (discount.from_value, discount.to_value) == (0.0, 1.0)
    (batch,) = node.describe_parameter("learner.batch_size").integer_range
    assert (batch.from_value, batch.to_value) == (1, 1_000_000_000)


def test_every_setting_is_read_only(make_node):
    node = make_node(control__period=0.02)
    config = read_config(node)
    for name, value in to_parameters(config).items():
        assert node.describe_parameter(name).read_only, name
        (result,) = node.set_parameters([Parameter(name, value=value)])
        assert not result.successful and "read-only" in result.reason


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"learner__batchsize": 3}, "no setting 'learner.batchsize'; did you mean 'learner.batch"),
        ({"seed": 3}, "/agent from -p: there is no setting 'seed'"),
        ({"learner__discount": 1.5}, "learner.discount is 1.5; input should be less than 1"),
        ({"learner__batch_size": "many"}, "learner.batch_size is 'many'"),
        ({"learner__batch_size": 3.5}, "learner.batch_size is 3.5"),
        ({"run__steps": True}, "run.steps is True"),
        ({"control__period": 0.035}, "not a multiple of sim.physics_timestep"),
    ],
)
def test_a_name_or_value_that_cannot_be_is_refused_with_the_reason(make_node, given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read_config(make_node(**given))


def test_a_whole_number_is_taken_for_a_float(make_node):
    node = make_node(control__period=1, robot__torque_limit=[1, 2])
    config = read_config(node)
    assert config.control.period == 1.0 and config.robot.torque_limit == [1.0, 2.0]
    assert node.get_parameter("control.period").type_ == Parameter.Type.DOUBLE
    assert list(node.get_parameter("robot.torque_limit").value) == [1.0, 2.0]


def test_a_nodes_own_parameters_stand_beside_the_settings(make_node):
    node = make_node(gui=True)
    extra = {"gui": Extra(False, "a window"), "record": Extra("", "a file")}
    read_config(node, extra)
    assert node.get_parameter("gui").value is True
    assert node.get_parameter("record").value == ""
    with pytest.raises(ConfigError, match="gui is 3; expected a bool"):
        read_config(make_node(gui=3), extra)


def test_a_count_below_zero_is_refused(make_node):
    extra = {"record_episodes": Extra(6, "how many")}
    with pytest.raises(ConfigError, match=r"record_episodes is -1; expected 0 or more\.$"):
        read_config(make_node(record_episodes=-1), extra)
    node = make_node(record_episodes=0)
    read_config(node, extra)
    assert node.get_parameter("record_episodes").value == 0


@pytest.mark.parametrize("name", ["autostart", "gui", "record", "record_episodes"])
def test_a_node_s_own_parameters_are_described_and_read_only(make_node, name):
    from ddpg_ros.ros.nodes.arm_node import _AUTOSTART
    from sim.simulator_node import EXTRA

    node = make_node()
    read_config(node, _AUTOSTART | EXTRA)
    described = node.describe_parameter(name)
    assert described.read_only and len(described.description) > 5


def test_a_parameter_shows_what_the_node_makes_of_it(make_node):
    node = make_node(run__clock="lockstep")
    given = read_config(node)
    adapted = given.with_parameters({"run.clock": "realtime", "control.reset_service": ""})
    show_adapted(node, given, adapted)
    assert node.get_parameter("run.clock").value == "realtime"
    assert node.get_parameter("control.reset_service").value == ""
    assert node.describe_parameter("run.clock").read_only
