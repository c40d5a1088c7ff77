"""ROS parameters from `config.py`: declared with type, range and description.

All are read-only, but for the torque limit, which may be lowered at run time. A list that is
empty because a default is meant shows the numbers in force, once the node that commands is
configured (`in_force.py`).
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter

from ddpg_ros.config.fields import bounds_of, kind_of
from ddpg_ros.config.settings import Config, Value, field_of, from_parameters, to_parameters
from ddpg_ros.errors import ConfigError
from ddpg_ros.ros.runtime.node import MainNode

_OF_TASK = "task."


class Extra(NamedTuple):
    """A parameter that a node has besides the settings."""

    default: Value
    description: str


_NONE: Mapping[str, Extra] = MappingProxyType({})
_TYPES = frozenset(kind.value for kind in Parameter.Type)
_LIST = {str: Parameter.Type.STRING_ARRAY, int: Parameter.Type.INTEGER_ARRAY}
_LIST |= {float: Parameter.Type.DOUBLE_ARRAY}


def read_config(
    node: MainNode, extra: Mapping[str, Extra] = _NONE, *, with_task: bool = True
) -> Config:
    """Take the configuration from a node's command line and declare each setting.

    Args:
        node: the node.
        extra: the parameters that this node has besides the configuration; they are declared
            too, and read with `node.get_parameter`. Whole numbers among them are counts.
        with_task: whether the node has to do with the task. If not, it declares none of its
            settings and ignores those given, so that a task of another package need not be
            installed beside it; the configuration then holds the default task.

    Raises:
        ConfigError: an unknown name, a wrong type or a value out of its range.
    """
    given = dict(node.given)
    for name, (default, description) in extra.items():
        value = given.pop(name, default)
        if type(value) is not type(default):
            expected = f"a {type(default).__name__}, as {default!r}"
            raise ConfigError(f"{node.source}: {name} is {value!r}; expected {expected}.")
        if isinstance(value, int) and value < 0:
            raise ConfigError(f"{node.source}: {name} is {value}; expected 0 or more.")
        described = ParameterDescriptor(name=name, description=description, read_only=True)
        node.declare_parameter(name, value, described)
    if not with_task:
        given = {name: value for name, value in given.items() if not name.startswith(_OF_TASK)}
    config = from_parameters(given, node.source)
    for name, value in to_parameters(config).items():
        if not with_task and name.startswith(_OF_TASK):
            continue
        _declare(node, name, value, field_of(name, config))
    return config


def refuse_unknown_types(node: Node) -> None:
    """Answer a request to set parameters whose type there is none of; rclpy raises there."""
    for service in node.services:
        if service.srv_type in (SetParameters, SetParametersAtomically):
            service.callback = partial(_set_if_known, service.callback)


def _set_if_known(set_all: Callable[[Any, Any], Any], request: Any, response: Any) -> Any:
    unknown = [p for p in request.parameters if p.value.type not in _TYPES]
    if not unknown:
        return set_all(request, response)
    one = unknown[0]
    reason = f"parameter {one.name[:80]!r} has the type {one.value.type}; expected 0 to 9"
    refusal = SetParametersResult(successful=False, reason=f"{reason}. Nothing was set.")
    if isinstance(request, SetParameters.Request):
        response.results = [refusal] * len(request.parameters)
    else:
        response.result = refusal
    return response


def _declare(node: MainNode, name: str, value: Value, field: FieldInfo) -> None:
    """Declare a setting, also one whose list is empty, of which rclpy guesses no type."""
    kind, _ = kind_of(field)
    some = value if value != [] else [kind()]
    node.declare_parameter(name, some, _descriptor(name, field))
    if value == []:
        _show(node, name, [], field)


def show_adapted(node: MainNode, given: Config, in_force: Config) -> None:
    """Let the parameters show what a node makes of its settings, such as a policy's clock."""
    before = to_parameters(given)
    for name, value in to_parameters(in_force).items():
        if value != before[name]:
            show(node, name, value)


def show(node: MainNode, name: str, value: Value) -> None:
    """Let the parameter of the arm or the guard show what is in force; it stays read-only."""
    _show(node, name, value, field_of(name, Config()))


def _show(node: MainNode, name: str, value: Value, field: FieldInfo) -> None:
    kind, is_list = kind_of(field)
    descriptor = node.describe_parameter(name)
    closed, descriptor.read_only = descriptor.read_only, False
    typed = Parameter(name, _LIST[kind] if is_list else None, value)
    (result,) = node.set_parameters([typed])
    descriptor.read_only = closed
    assert result.successful, result.reason


def _descriptor(name: str, field: FieldInfo) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        name=name, description=field.description or "", read_only=True
    )
    bounds = bounds_of(field)
    if bounds is not None and field.annotation is int:
        least, most = map(int, bounds)
        descriptor.integer_range = [IntegerRange(from_value=least, to_value=most, step=0)]
    elif bounds is not None:
        low, high = map(float, bounds)
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=low, to_value=high, step=0.0)
        ]
    return descriptor
