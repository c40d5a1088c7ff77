"""Whether the motors can carry and move the arm, and who carries it, in words."""

import numpy as np

from ddpg_ros.config.sections import RobotSection
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import read_friction
from ddpg_ros.robot.units import units_of
from ddpg_ros.safety.guard import Guard
from ddpg_ros.types import Vector

SLOW_ENOUGH = 0.5
"""Largest T λ at which a stop holds every arm that was drawn; see `Carrier.fall_share`."""

_CARRIED_BY = {
    "driver": "the robot's driver carries the arm, and torques come on top",
    "model": "this node carries the arm by its URDF, and the policy's torques come on top",
    "none": "nobody carries the arm: where its weight pulls at a joint, zero torque drops it",
}


def require_start_carried(robot: Robot, config: Config, guard: Guard) -> None:
    """Refuse an arm whose motors cannot hold it at its start position.

    Args:
        robot: the arm.
        config: its settings; with `robot.gravity: none` nobody is to hold the arm.
        guard: of the arm.

    Raises:
        ConfigError: with every joint that is too weak, the torque that it needs and its limit.
    """
    start = config.sim.start_position or [0.0] * len(robot.joints)
    if config.robot.gravity == "none":
        return
    weight = np.abs(guard.carrier.weight(np.clip(start, robot.lower, robot.upper)))
    ours = config.robot.gravity == "model"
    limit = guard.limits.torque if ours else robot.effort_limit
    wrong = [
        f"joint {name} needs {needed:.4g} {unit.torque}, and its limit is {most:.4g} {unit.torque}"
        for name, needed, most, unit in zip(
            robot.joints, weight.tolist(), limit.tolist(), units_of(robot.kinds), strict=True
        )
        if needed > most
    ]
    if wrong:
        payload = config.robot.payload_mass
        and_payload = f" and a payload of {payload:g} kg" if payload else ""
        raise ConfigError(
            f"to carry its own weight{and_payload} at sim.start_position, {'; '.join(wrong)}. "
            "Expected a start position, "
            f"{'a robot.torque_limit' if ours else 'an effort in the URDF'} or a "
            "robot.payload_mass with which the motors hold the arm."
        )


def require_friction_overcome(robot: Robot, limit: Vector) -> None:
    """Refuse an arm whose friction, as the simulator has it, is more than its torque limit.

    Args:
        robot: the arm.
        limit: the torque limit of each joint, (n,) [N·m].

    Raises:
        ConfigError: with every joint that nothing moves, its friction and its limit.
    """
    stuck = [
        f"joint {joint} has a friction of {friction:.4g} {unit.torque}, its limit is {most:.4g}"
        for joint, friction, most, unit in zip(
            robot.joints,
            read_friction(robot).tolist(),
            limit.tolist(),
            units_of(robot.kinds),
            strict=True,
        )
        if friction >= most
    ]
    if stuck:
        raise ConfigError(
            f"no torque moves the arm: {'; '.join(stuck)}. Expected a robot.torque_limit above "
            "the <dynamics friction=…> of the URDF; raise it, or correct the file."
        )


def describe_weight(guard: Guard, settings: RobotSection) -> str:
    """Return a line that says who carries the arm, and what weight the line is about."""
    payload = f"; with a payload of {settings.payload_mass:g} kg" if settings.payload_mass else ""
    most = ", ".join(
        f"{joint} {round(weight, 3):g}"
        for joint, weight in zip(
            guard.limits.joints, guard.carrier.heaviest_weight.tolist(), strict=True
        )
    )
    return (
        f"robot.gravity is {settings.gravity}: {_CARRIED_BY[settings.gravity]}. The arm's weight "
        f"needs up to [N·m] {most}{payload}"
    )


def too_heavy(guard: Guard) -> str:
    """Return a sentence if this guard carries an arm that it cannot hold everywhere; else ''."""
    if not guard.carrier.carries:
        return ""
    limits = guard.limits
    rows = zip(
        limits.joints, guard.carrier.heaviest_weight.tolist(), limits.torque.tolist(), strict=True
    )
    heavy = [
        f"{joint} {weight:.3g} of {limit:.3g}" for joint, weight, limit in rows if weight > limit
    ]
    if not heavy:
        return ""
    return (
        "at some positions the arm's weight needs more than the torque limit [N·m]: "
        f"{', '.join(heavy)}; there the arm sinks, whatever the policy does. Raise "
        "robot.torque_limit, or keep the arm away from them."
    )


def falls_fast(guard: Guard, period: float) -> str:
    """Return a sentence if this guard carries an arm that falls too fast for its period; else ''.

    Args:
        guard: of the arm.
        period: the control period [s].
    """
    if not guard.carrier.carries or guard.carrier.fall_share <= SLOW_ENOUGH:
        return ""
    rate = guard.carrier.fall_share / period
    return (
        f"a light link falls away from a position at up to {rate:.3g} 1/s, which control.period, "
        f"{period:g} s, is too long for: the guard holds it at rest, but a stop of a moving arm "
        f"may let it fall. Expected at most {SLOW_ENOUGH / rate:.2g} s."
    )
