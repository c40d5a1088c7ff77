"""ROS parameters from `config.py`: declared with type, range and description, read-only."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from ddpg_ros.config import Config, Value, from_parameters, to_parameters
from ddpg_ros.errors import ConfigError

_NONE: Mapping[str, Value] = MappingProxyType({})
_FOREIGN = ("use_sim_time", "start_type_description_service", "qos_overrides")


def read_config(node: Node, extra: Mapping[str, Value] = _NONE) -> Config:
    """Take the configuration from the node's parameters and declare each of them.

    The node must have been made with `automatically_declare_parameters_from_overrides=True`, so
    that a misspelt name in a parameter file is seen here instead of being ignored.

    Args:
        node: the node.
        extra: defaults of the parameters that this node has beside the configuration; they are
            declared too, and read with `node.get_parameter`.

    Raises:
        ConfigError: an unknown name, a wrong type or a value out of its range.
    """
    given: dict[str, Value] = {}
    overrides: dict[str, Any] = node.get_parameters_by_prefix("")
    for name, parameter in overrides.items():
        if not name.startswith(_FOREIGN):
            value = parameter.value
            given[name] = list(value) if hasattr(value, "typecode") else value
    source = f"the parameters of {node.get_fully_qualified_name()}"
    for name, default in extra.items():
        value = given.pop(name, default)
        if type(value) is not type(default):
            expected = type(default).__name__
            raise ConfigError(f"{source}: {name} is {value!r}; expected a {expected}.")
        if not node.has_parameter(name):
            node.declare_parameter(name, value, ParameterDescriptor(read_only=True))
    config = from_parameters(given, source)
    for name, value in to_parameters(config).items():
        if name in given:
            node.undeclare_parameter(name)
        if value != []:  # ROS cannot tell the type of an empty list
            node.declare_parameter(name, value, _descriptor(name), ignore_override=True)
    return config


def _descriptor(name: str) -> ParameterDescriptor:
    section, _, key = name.partition(".")
    field = type(getattr(Config(), section)).model_fields[key]
    descriptor = ParameterDescriptor(
        name=name, description=field.description or "", read_only=True
    )
    bounds: dict[type, Any] = {type(bound): bound for bound in field.metadata}
    low: Any = bounds[Ge].ge if Ge in bounds else bounds[Gt].gt if Gt in bounds else None
    high: Any = bounds[Le].le if Le in bounds else bounds[Lt].lt if Lt in bounds else None
    if low is not None and high is not None:
        if field.annotation is int:
            low += Gt in bounds
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=0)]
        elif field.annotation is float:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)
            ]
    return descriptor
