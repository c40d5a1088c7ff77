"""Settings with which an arm trains that nobody has tuned: `reach`, with its own weight."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ddpg_ros.config.settings import Config, Value
from ddpg_ros.errors import ConfigError, RobotError, few_of
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix, read_damping, read_friction
from ddpg_ros.robot.loads import Loads, finite_range, loads_of
from ddpg_ros.robot.posture import choose_start
from ddpg_ros.robot.units import units_of
from ddpg_ros.safety.guard import Guard
from ddpg_ros.tasks.joint_space import JointSpace
from ddpg_ros.types import Vector

PLACEHOLDER = 10.0
"""An effort that is this many times what any joint of the arm needs is no motor's."""

FASTEST, FASTEST_SLIDING = 1.5, 0.5
"""Velocity limits [rad/s], [m/s] of a first training, if the file's are larger."""

_UP_TO_SPEED = 0.15  # [s] in which a joint alone reaches its velocity limit
_RESERVE = 1.3  # × the torque against gravity
_SHARE = 0.05  # of an effort: a wrist moves little mass, and a real one has friction
_TOLERANCE = 0.05  # of the arm's extent
_GOAL_RANGES = (0.8, 0.7, 0.6, 0.5, 0.4)  # shares of the joints' ranges, best first
_TOUCHING, _DRAWN = 0.05, 300  # share of goals in which the arm touches itself, of so many
_SECONDS, _TO_REST = 3.0, 0.5  # [s] of an episode at least; for what is not travel
_LONGEST = 3600.0  # [s] of a joint's travel
_STILL = 1e-6  # of the reach: a tip that moves less stands still
_RATE = 250.0  # [N·m/s] the default of robot.torque_rate
_STEPS = ((2, 40_000), (4, 120_000), (math.inf, 220_000))  # joints, control steps
_LEARNER: dict[str, Value] = {
    "noise.kind": "gaussian",
    "learner.hidden": [128, 128],
    "learner.discount": 0.9,
    "learner.tau": 0.02,
    "learner.critic_learning_rate": 0.002,
    "learner.warmup_steps": 1000,
    "learner.n_step": 3,
    "learner.critics": 2,
    "learner.critic_layer_norm": True,
    "learner.actor_layer_norm": True,
    "learner.averaged_policy": True,
}


class Proposal(NamedTuple):
    """Settings for an arm, and what was assumed to find them."""

    config: Config
    settings: dict[str, Value]  # those that differ from the defaults, by name
    reasons: dict[str, str]  # of some of them, for the file
    loads: Loads
    holding: Vector  # torque against gravity at the start posture, (n,)
    invented: list[str]  # joints whose effort is missing, or far above what the arm needs


def limits_needed(robot: Robot, loads: Loads) -> tuple[Vector, Vector]:
    """Return velocity limits and the torques with which the arm moves well, (n,) each."""
    fastest = np.where(robot.sliding, FASTEST_SLIDING, FASTEST)
    velocity = np.minimum(robot.velocity_limit, fastest)
    moving = loads.inertia * velocity / _UP_TO_SPEED + read_damping(robot) * velocity
    return velocity, _RESERVE * loads.gravity + read_friction(robot) + moving


def placeholders(robot: Robot, needed: Vector) -> list[str]:
    """Return the joints whose effort is missing, or far above what the arm needs."""
    wrong = robot.effort_limit > PLACEHOLDER * needed.max()
    return [joint for joint, is_one in zip(robot.joints, wrong, strict=True) if is_one]


def propose(
    base: Config, robot: Robot, mass: MassMatrix, touches: Callable[[Vector], bool]
) -> Proposal:
    """Choose settings for an arm.

    Args:
        base: names the file, the joints and the tip.
        robot: the arm.
        mass: its mass matrix.
        touches: whether the arm touches itself at a position.

    Raises:
        ConfigError: no settings were found that the guard takes.
        RobotError: the tip cannot move.
    """
    size = extent(robot)
    if size < _STILL * max(robot.reach, 1.0):
        raise RobotError(
            f"the tip {robot.tip} of {robot.urdf_path} stays where it is, whatever its joints do; "
            "name a link off their axes with --tip."
        )
    loads = loads_of(robot, mass)
    velocity, needed = limits_needed(robot, loads)
    invented = placeholders(robot, needed)
    wrong = np.isin(robot.joints, invented)
    motor = np.where(wrong, needed.max(), robot.effort_limit)
    torque = np.minimum(rounded(np.maximum(needed, _SHARE * motor)), robot.effort_limit)
    start = choose_start(robot, torque, mass.weight, touches)
    _require_carried(robot, torque, mass.weight(start), loads)
    share = goal_range(robot, touches)
    settings: dict[str, Value] = {
        "robot.gravity": "model",
        "robot.torque_limit": torque.tolist(),
        "robot.torque_rate": max(_RATE, float(torque.max())),
        "safety.velocity_limit": velocity.tolist(),
        "task.name": "reach",
        "task.episode_seconds": episode_seconds(robot, share, start, velocity),
        "task.tolerance": float(rounded(np.array([_TOLERANCE * size]))[0]),
        "task.goal_range": share,
        "task.velocity_weight": 0.02,
        "task.torque_weight": 0.0,
        "sim.start_position": start.tolist(),
        "sim.start_position_spread": 0.5,
        **_LEARNER,
        "run.steps": next(steps for most, steps in _STEPS if len(robot.joints) <= most),
    }
    reasons = {
        "robot.gravity": "we carry the arm; driver, if the robot does",
        "robot.torque_limit": _of("[N·m]", robot.effort_limit, robot),
        "safety.velocity_limit": _of("[rad/s]", robot.velocity_limit, robot),
        "task.tolerance": f"[m], {_TOLERANCE:.0%} of how far the tip gets from its middle",
        "task.goal_range": "of each joint; less than 0.8, if the arm often touches itself",
    }
    span = robot.upper - robot.lower
    for name, own in (("soft_margin", ~robot.sliding), ("sliding_margin", robot.sliding)):
        least = float(np.min(span, where=own, initial=np.inf))
        if 0.1 * least < getattr(base.safety, name):
            settings[f"safety.{name}"] = float(f"{0.1 * least:.1g}")
    settings |= _gains(base, robot, settings)
    config = base.with_parameters(settings, source="the proposal")
    holding = mass.weight(start)
    return Proposal(config, settings, reasons, loads, holding, invented)


def _require_carried(robot: Robot, torque: Vector, needed: Vector, loads: Loads) -> None:
    """Refuse an arm that its motors hold nowhere.

    Raises:
        RobotError: with each joint that is too weak.
    """
    weak = [
        f"{joint} moves {mass:.3g} kg and needs {abs(own):.3g} {unit.torque} of {most:.3g}"
        for joint, mass, own, most, unit in zip(
            robot.joints, loads.mass, needed, torque, units_of(robot.kinds), strict=True
        )
        if abs(own) > most
    ]
    if weak:
        raise RobotError(
            f"{robot.urdf_path}: the motors cannot carry the arm, even at the best start posture "
            f"that was found: {few_of(weak, 80)}. Correct its efforts, or its masses and lengths: "
            "URDF has kilograms and metres."
        )


def _gains(base: Config, robot: Robot, settings: dict[str, Value]) -> dict[str, Value]:
    """Return what makes the guard take the settings: by its own remedies, if it needs any.

    Raises:
        ConfigError: the guard refuses them all the same.
    """
    stated = any(joint.k_position or joint.k_velocity for joint in robot.safety)
    tries: list[dict[str, Value]] = [{}]
    if stated:
        tries.append({"safety.urdf_gains": False})
    for more in tries:
        config = base.with_parameters(settings | more, source="the proposal")
        try:
            Guard.of(Robot.of(config), config)
        except ConfigError as error:
            last = error
        else:
            return more
    raise last


def goal_range(robot: Robot, touches: Callable[[Vector], bool]) -> float:
    """Return the share of the joints' ranges that goals are from: few of them touch the arm."""
    low, high = JointSpace(robot).range(1.0)
    drawn = np.random.default_rng(0).uniform(-0.5, 0.5, (_DRAWN, len(low)))
    for share in _GOAL_RANGES:
        positions = 0.5 * (low + high) + share * drawn * (high - low)
        if sum(map(touches, positions)) <= _TOUCHING * _DRAWN:
            return share
    return _GOAL_RANGES[-1]


def episode_seconds(robot: Robot, share: float, start: Vector, velocity: Vector) -> float:
    """Return a length of an episode [s] in which each joint gets from the start to any goal.

    Raises:
        RobotError: a joint that takes longer than anybody waits.
    """
    low, high = JointSpace(robot).range(share)
    travel = np.maximum(high - start, start - low) / velocity
    slowest = int(np.argmax(travel))
    if travel[slowest] > _LONGEST:
        raise RobotError(
            f"{robot.urdf_path}: joint '{robot.joints[slowest]}' takes {travel[slowest]:.3g} s "
            f"through its range at its velocity limit, {velocity[slowest]:g} "
            f"{units_of(robot.kinds)[slowest].velocity}; expected at most {_LONGEST:g} s. "
            "Correct the limit, or leave the joint out with --joints."
        )
    return max(_SECONDS, math.ceil(2.0 * (float(travel[slowest]) + _TO_REST)) / 2.0)


def extent(robot: Robot) -> float:
    """Return how far the tip gets from the middle of where it gets, by random positions [m]."""
    low, high = finite_range(robot)
    rng = np.random.default_rng(0)
    tips = np.array([robot.tip_position(rng.uniform(low, high)) for _ in range(256)])
    return float(np.linalg.norm(tips - tips.mean(axis=0), axis=1).max())


def rounded(numbers: Vector) -> Vector:
    """Return numbers with two significant digits, rounded up."""
    units = 10.0 ** (np.floor(np.log10(np.maximum(numbers, 1e-9))) - 1.0)
    up: Vector = np.round(np.ceil(numbers / units - 1e-9) * units, 12)
    return up


def _of(unit: str, stated: Vector, robot: Robot) -> str:
    slides = ", if it slides [N] or [m/s]" if robot.sliding.any() else ""
    return f"{unit}{slides}; in the file {', '.join(f'{number:g}' for number in stated)}"
