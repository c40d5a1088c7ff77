"""ROS parameters from `config.py`: declared with type, range and description.

All are read-only, but for the torque limit, which may be lowered at run time.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter

from ddpg_ros.config import Config, Value, from_parameters, to_parameters
from ddpg_ros.control.guard import Guard
from ddpg_ros.errors import ConfigError

_NONE: Mapping[str, Value] = MappingProxyType({})
_LOWERABLE = "robot.torque_limit"
_TYPES = frozenset(kind.value for kind in Parameter.Type)
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


def _descriptor(name: str) -> ParameterDescriptor:
    section, _, key = name.partition(".")
    field = type(getattr(Config(), section)).model_fields[key]
    descriptor = ParameterDescriptor(
        name=name, description=field.description or "", read_only=name != _LOWERABLE
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


class RuntimeTorqueLimit:
    """The one parameter that may change at run time: `robot.torque_limit`, and only downwards."""

    def __init__(self, node: Node, guard: Guard) -> None:
        """Show the limit in force [N·m] as the parameter, and let it be lowered."""
        self._node, self._guard = node, guard
        if node.has_parameter(_LOWERABLE):
            node.undeclare_parameter(_LOWERABLE)
        description = "Torque limit of each joint [N·m]; it can only be lowered"
        node.declare_parameter(
            _LOWERABLE,
            guard.limits.torque.tolist(),
            ParameterDescriptor(name=_LOWERABLE, description=description),
            ignore_override=True,
        )
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            for parameter in parameters:
                if parameter.name == _LOWERABLE:
                    self._guard.lower_torque_limit(np.array(parameter.value, dtype=np.float64))
        except (ConfigError, TypeError, ValueError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def close(self) -> None:
        """Take the parameter back."""
        self._node.remove_on_set_parameters_callback(self._on_set)
        self._node.undeclare_parameter(_LOWERABLE)
