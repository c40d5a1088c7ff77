"""The limits of every joint, checked for consistency."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.units import SLIDES, TURNS, Units, units_of
from ddpg_ros.safety.gains import LARGEST_SHARE, fit_gains
from ddpg_ros.safety.joint_limits import RATE_RATIO, JointLimits, check_joint, require_positive
from ddpg_ros.types import Vector


@dataclass(frozen=True, eq=False)
class Limits:
    """The limits of n joints, as read-only copies of the vectors that are passed in.

    Raises:
        ConfigError: a vector of another length, a number out of range, or limits that contradict
            each other; the message has the joint and the numbers.
    """

    joints: tuple[str, ...]
    torque: Vector  # (n,) [N·m]
    velocity: Vector  # (n,) [rad/s]
    lower: Vector  # (n,) [rad], hard; −inf for a continuous joint
    upper: Vector  # (n,) [rad], hard; inf for a continuous joint
    soft_lower: Vector  # (n,) [rad], at or above lower
    soft_upper: Vector  # (n,) [rad], at or below upper
    k_position: Vector  # (n,) [1/s], distance to the soft limit → velocity allowed
    k_velocity: Vector  # (n,) [N·m·s/rad], velocity error → torque allowed; NaN: by inertia
    power: Vector  # (n,) [W]; inf: no limit
    damping: Vector  # (n,) [N·m·s/rad], in a stop; NaN: by inertia
    torque_rate: float  # [N·m/s]
    torque_rate_safe: float  # [N·m/s], toward zero and toward the soft limits
    position_tolerance: float  # [rad], distance beyond a hard limit at which a fault latches
    sliding_tolerance: float = 0.01  # [m], likewise of the joints that slide
    units: tuple[Units, ...] = ()  # of each joint; empty: all turn

    def __post_init__(self) -> None:
        """Copy the vectors and check everything."""
        for name in (field.name for field in fields(self) if field.type is Vector):
            vector = np.array(getattr(self, name), dtype=np.float64)
            if not self.joints or vector.shape != (len(self.joints),):
                raise ConfigError(
                    f"{name} is {vector.tolist()}; expected one number for each joint: "
                    f"{', '.join(self.joints) or 'at least one'}."
                )
            vector.flags.writeable = False  # pragma: no mutate (None does the same)
            object.__setattr__(self, name, vector)
        require_positive("robot.torque_rate", self.torque_rate, "N·m/s")
        require_positive("safety.torque_rate_safe", self.torque_rate_safe, "N·m/s")
        least = RATE_RATIO * self.torque_rate
        if self.torque_rate_safe < least:
            raise ConfigError(
                f"safety.torque_rate_safe is {self.torque_rate_safe:g} N·m/s; expected at least "
                f"{RATE_RATIO:g} · robot.torque_rate = {least:g} N·m/s, or 0 for that."
            )
        for key, unit in (("position_tolerance", "rad"), ("sliding_tolerance", "m")):
            if not 0 <= (given := getattr(self, key)) < math.inf:
                raise ConfigError(
                    f"safety.{key} is {given:g} {unit}; expected a finite number, at least 0 "
                    f"{unit}."
                )
        for joint in self.by_joint():
            check_joint(joint, self.torque_rate_safe)

    def check_period(self, period: float) -> None:
        """Check that a control period [s] suits the limits.

        Raises:
            ConfigError: not a finite period above 0, or one so long that a joint would overshoot
                its soft limit.
        """
        require_positive("control.period", period, "s")
        for joint, gain in zip(self.joints, self.k_position.tolist(), strict=True):
            if gain * period > LARGEST_SHARE * (1.0 + 1e-9):
                raise ConfigError(
                    f"joint {joint} would overshoot its soft limit: k_position · period = "
                    f"{gain:g} · {period:g} = {gain * period:g}; expected at most "
                    f"{LARGEST_SHARE:g}. Lower safety.k_position or control.period."
                )

    def lowered(self, torque: Vector) -> "Limits":
        """Return a copy with lower torque limits.

        Args:
            torque: (n,) [N·m], each above 0 and at most the present limit.

        Raises:
            ConfigError: another length, or a limit that is not lower.
        """
        lower = np.array(torque, dtype=np.float64)
        if lower.shape != self.torque.shape or not ((lower > 0) & (lower <= self.torque)).all():
            raise ConfigError(
                f"robot.torque_limit was to become {lower.tolist()}; expected one number for "
                "each joint, above 0 and at most the limit in force [N·m]: "
                f"{_by_name(self.joints, self.torque)}. To raise a limit, restart the node."
            )
        return replace(self, torque=lower)

    def by_joint(self) -> tuple[JointLimits, ...]:
        """Return the limits of each joint as plain numbers, n of them."""
        units = self.units or (TURNS,) * len(self.joints)
        tolerance = np.array(
            [self.sliding_tolerance if u is SLIDES else self.position_tolerance for u in units]
        )
        columns = (
            self.torque,
            self.velocity,
            self.lower,
            self.upper,
            self.soft_lower,
            self.soft_upper,
            self.k_position,
            self.k_velocity,
            self.power,
            self.damping,
            self.lower - tolerance,
            self.upper + tolerance,
        )
        rows = zip(self.joints, *(column.tolist() for column in columns), units, strict=True)
        return tuple(JointLimits(*row) for row in rows)


def make_limits(robot: Robot, config: Config, mass: MassMatrix | None) -> Limits:
    """Build an arm's limits from the settings, else the URDF, else defaults that suit the arm.

    Args:
        robot: the arm.
        config: its settings.
        mass: its mass matrix; None if no joint moves a known mass.

    Raises:
        ConfigError: a list of another length, a limit above the URDF's, soft limits outside the
            hard ones, or a rate, gain or period that contradicts another.
    """
    settings, joints, urdf = config.safety, robot.joints, robot.safety
    torque = robot.torque_limit(config.robot.torque_limit)
    velocity = _choose(settings.velocity_limit, robot.velocity_limit, "velocity_limit", joints)
    if (velocity > robot.velocity_limit).any():
        raise ConfigError(
            f"safety.velocity_limit is {velocity.tolist()}; expected at most the URDF's: "
            f"{_by_name(joints, robot.velocity_limit)}."
        )
    margin = np.where(robot.sliding, settings.sliding_margin, settings.soft_margin)
    soft_lower = _stated([joint.soft_lower for joint in urdf], robot.lower + margin)
    soft_upper = _stated([joint.soft_upper for joint in urdf], robot.upper - margin)
    gains = fit_gains(robot, config, velocity, mass)
    limits = Limits(
        joints=joints,
        torque=torque,
        velocity=velocity,
        lower=robot.lower,
        upper=robot.upper,
        soft_lower=np.where(np.isinf(robot.lower), robot.lower, soft_lower),
        soft_upper=np.where(np.isinf(robot.upper), robot.upper, soft_upper),
        k_position=gains.k_position,
        k_velocity=gains.k_velocity,
        power=_choose(settings.power_limit, np.full_like(torque, np.inf), "power_limit", joints),
        damping=gains.damping,
        torque_rate=config.robot.torque_rate,
        torque_rate_safe=settings.torque_rate_safe or RATE_RATIO * config.robot.torque_rate,
        position_tolerance=settings.position_tolerance,
        sliding_tolerance=settings.sliding_tolerance,
        units=units_of(robot.kinds),
    )
    limits.check_period(config.control.period)
    return limits


def _choose(setting: Sequence[float], default: Vector, name: str, joints: Sequence[str]) -> Vector:
    """Return a setting with one number a joint, or the default if it is empty, (n,)."""
    if setting and len(setting) != len(joints):
        raise ConfigError(
            f"safety.{name} is {list(setting)}; expected one number for each joint "
            f"({', '.join(joints)}), or none at all."
        )
    return np.array(setting) if setting else default


def _stated(urdf: Sequence[float | None], default: Vector | float) -> Vector:
    """Return the URDF's value for each joint, or the default if the URDF states none, (n,)."""
    stated = np.array([math.nan if value is None else value for value in urdf])
    return np.where(np.isnan(stated), default, stated)


def _by_name(joints: Sequence[str], numbers: Vector) -> str:
    pairs = zip(joints, numbers.tolist(), strict=True)
    return ", ".join(f"{joint} {number:g}" for joint, number in pairs)
