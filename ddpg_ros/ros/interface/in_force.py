"""The limits in force: logged, shown as parameters, and the torque limit lowered at run time."""

import math

import numpy as np
from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, few_of, shortened
from ddpg_ros.robot.units import Units
from ddpg_ros.ros.interface.parameters import show
from ddpg_ros.ros.runtime.node import MainNode
from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.limits import Limits
from ddpg_ros.safety.weight import describe_weight, falls_fast, too_heavy
from ddpg_ros.types import Vector

_TORQUE = "robot.torque_limit"
_SHOWN = ("torque", "velocity", "lower", "upper", "soft_lower", "soft_upper", "power")
_MOST, _LONGEST = 1_000, 2_000  # numbers that are examined, characters of a refusal


class LimitsInForce:
    """The limits to which a node's guard holds the arm.

    One parameter may change at run time: `robot.torque_limit`, and only downwards. It stays
    lowered for the life of the process, also if the node is cleaned up and configured again.
    """

    def __init__(self, node: MainNode) -> None:
        """Take a node whose settings are declared; no limits are in force yet."""
        self._node = node
        self._guard: Guard | None = None
        self._lowered: Vector | None = None  # (n,) [N·m]
        self._showing = False
        node.describe_parameter(_TORQUE).read_only = False
        node.add_on_set_parameters_callback(self._may_set)
        node.add_post_set_parameters_callback(self._after_set)

    def begin(self, guard: Guard, config: Config) -> None:
        """Lower a new guard's torque limit as before; log and show all that is in force."""
        if self._lowered is not None:
            guard.lower_torque_limit(np.minimum(self._lowered, guard.limits.torque))
        limits = guard.limits
        for line in describe(limits):
            self._node.get_logger().info(f"in force: {line}")
        self._log_stop(guard)
        self._log_weight(guard, config)
        shown = {
            _TORQUE: limits.torque,
            "robot.joints": limits.joints,
            "safety.velocity_limit": limits.velocity,
            "safety.k_position": limits.k_position,
        }
        sometimes = {  # else by the arm's inertia, or without a limit: what is configured stays
            "safety.k_velocity": limits.k_velocity,
            "safety.damping": limits.damping,
            "safety.power_limit": limits.power,
        }
        shown |= {name: value for name, value in sometimes.items() if np.isfinite(value).all()}
        self._showing = True
        for name, numbers in shown.items():
            show(self._node, name, np.array(numbers).tolist())
        show(self._node, "safety.torque_rate_safe", limits.torque_rate_safe)
        self._showing = False
        self._guard = guard

    def values(self) -> dict[str, object]:
        """Return the limits in force for `/diagnostics`, in the order of `limits.joints`."""
        if self._guard is None:
            return {}
        limits = self._guard.limits
        values: dict[str, object] = {"limits.joints": " ".join(limits.joints)}
        for name in _SHOWN:
            numbers = np.asarray(getattr(limits, name)).tolist()
            values[f"limits.{name}"] = " ".join(f"{number:g}" for number in numbers)
        return values | {"limits.torque_rate": limits.torque_rate}

    def _log_stop(self, guard: Guard) -> None:
        weaker = [
            f"{joint.name} {drive:.3g} of {joint.torque:g} {joint.units.torque}"
            for joint, drive in zip(guard.limits.by_joint(), guard.drive_at_rest, strict=True)
            if drive < joint.torque
        ]
        if weaker:
            on_top = " That is on top of what carries its weight." if guard.carrier.weighs else ""
            self._node.get_logger().info(
                "in force: at rest, away from soft limits, a joint may be driven with "
                f"{', '.join(weaker)}; more would take it beyond its velocity limit within few "
                f"control periods.{on_top}"
            )
        log = self._node.get_logger()
        if guard.brake_rate and np.isnan(guard.limits.damping).all():
            log.info(
                f"in force: damping slows the arm down to a twentieth of its speed within "
                f"{guard.stop_seconds:.2g} s, at {guard.brake_rate:.3g} 1/s"
            )
        if guard.unbraked:
            log.warning(
                f"in force: the URDF states no inertia for what {few_of(guard.unbraked)} move(s), "
                "and a brake of unknown effect could drive the arm: a stop is zero torque there, "
                "and soft limits only take torque away. Add <inertial> to the links."
            )

    def _log_weight(self, guard: Guard, config: Config) -> None:
        log = self._node.get_logger()
        log.info(f"in force: {describe_weight(guard, config.robot)}")
        for problem in (too_heavy(guard), falls_fast(guard, config.control.period)):
            if problem:
                log.warning(f"in force: {problem}")

    def end(self) -> None:
        """Forget the guard; the parameters stay as they are."""
        self._guard = None

    def _may_set(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            for parameter in parameters:
                if parameter.name == _TORQUE and not self._showing:
                    if self._guard is None:
                        raise ConfigError("nothing is in force before the node is configured.")
                    value = np.array(parameter.value, dtype=np.float64)
                    if value.size > _MOST:  # a sentence that lists them all would take a while
                        raise ConfigError(
                            f"{_TORQUE} has {value.size} numbers; expected one for each joint: "
                            f"{few_of(self._guard.limits.joints)}."
                        )
                    self._guard.limits.lowered(value)
        except (ConfigError, TypeError, ValueError) as error:
            return SetParametersResult(successful=False, reason=shortened(str(error), _LONGEST))
        return SetParametersResult(successful=True)

    def _after_set(self, parameters: list[Parameter]) -> None:
        if self._guard is not None and any(one.name == _TORQUE for one in parameters):
            value = self._node.get_parameter(_TORQUE).value
            self._lowered = np.array(value, dtype=np.float64)
            self._guard.lower_torque_limit(self._lowered)
            torques = ", ".join(
                f"{joint.name} {joint.torque:g} {joint.units.torque}"
                for joint in self._guard.limits.by_joint()
            )
            self._node.get_logger().info(f"in force from now on: torque {torques}")


def describe(limits: Limits) -> list[str]:
    """Return one line for each joint, and one for what holds for all."""
    lines = [
        f"{joint.name}: torque {joint.torque:g} {joint.units.torque}, velocity {joint.velocity:g} "
        f"{joint.units.velocity}, position {joint.lower:g} to {joint.upper:g} "
        f"{joint.units.position} (soft {joint.soft_lower:g} to {joint.soft_upper:g}), k_position "
        f"{joint.k_position:g} 1/s, k_velocity {_gain(joint.k_velocity, joint.units)}, damping "
        f"{_gain(joint.damping, joint.units)}, power {joint.power:g} W"
        for joint in limits.by_joint()
    ]
    return [
        *lines,
        f"torque rate {limits.torque_rate:g} N·m/s, {limits.torque_rate_safe:g} toward zero",
    ]


def _gain(gain: float, units: Units) -> str:
    return "by inertia" if math.isnan(gain) else f"{gain:g} {units.damping}"
