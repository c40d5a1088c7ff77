"""What is odd about an arm's file, and what was assumed where it says nothing: sentences."""

import math
import xml.etree.ElementTree as ElementTree

import numpy as np

from ddpg_ros.errors import few_of
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import read_damping, read_friction
from ddpg_ros.robot.inertia import read_inertia
from ddpg_ros.robot.loads import Loads
from ddpg_ros.robot.mistaken_units import mistaken_units
from ddpg_ros.robot.numbers import number_of
from ddpg_ros.robot.units import units_of

_TORQUES = "Set robot.torque_limit to what the motors may deliver; it has what the arm needs."
_LONG = 60.0  # [s] a joint that takes longer through its range or a turn
_FAST = {"rad/s": 20.0, "m/s": 5.0}  # a velocity limit above this is a placeholder


def assumptions(robot: Robot) -> list[str]:
    """Return what was assumed: joints that are held, frames without mass, ignored limits."""
    said = []
    if robot.held:
        said.append(robot.describe().partition("; not commanded, assumed to stand still: ")[2])
        said[-1] = f"not commanded, held where they are: {said[-1]}"
    leaders = {joint.name: joint.leader for joint in robot.tree}
    coupled = [
        f"{name} of {leaders[name]}" for name in robot.held if leaders[name] in robot.joints
    ]
    if coupled:
        said.append(
            f"parts of a linkage that a commanded joint moves, held all the same: "
            f"{few_of(coupled, 80)}; their mass is where it is at the start"
        )
    _, frames = _without_mass(robot)
    if frames:
        said.append(
            f"frames without mass that weigh nothing, as the URDF standard says: {few_of(frames)}"
        )
    limits = {joint.get("name"): joint.find("limit") for joint in robot.root().findall("joint")}
    ignored = [
        joint
        for joint, kind in zip(robot.joints, robot.kinds, strict=True)
        if kind == "continuous"
        and (limit := limits[joint]) is not None
        and (limit.get("lower") or limit.get("upper"))
    ]
    if ignored:
        said.append(
            f"{few_of(ignored)} are continuous and turn freely; their lower and upper are ignored"
        )
    return said


def oddities(robot: Robot, loads: Loads, invented: list[str]) -> list[str]:
    """Return what a person should look at before the arm moves.

    Args:
        robot: the arm.
        loads: what its joints carry.
        invented: joints whose effort is a placeholder.
    """
    said = []
    solid, _ = _without_mass(robot)
    if solid:
        said.append(
            f"links that move and have a shape and no mass: {few_of(solid)}; they weigh nothing "
            "here. Give them their <inertial>, if they have one."
        )
    wrong = _impossible(robot)
    if wrong:
        said.append(
            f"no rigid body has the moments of inertia of {few_of(wrong)}: one is larger than the "
            "other two together. They are used as they are."
        )
    said += _efforts(robot, invented)
    units = units_of(robot.kinds)
    fast = [
        f"{joint} {limit:g} {unit.velocity}"
        for joint, limit, unit in zip(robot.joints, robot.velocity_limit, units, strict=True)
        if _FAST[unit.velocity] < limit < math.inf  # infinite: the file states none
    ]
    if fast:
        said.append(f"velocity limits that no arm has: {few_of(fast)}.")
    said += [
        f"{joint} needs up to {needed:.3g} {unit.torque} to carry the arm, and the file gives it "
        f"{effort:g}: it cannot be everywhere in its range."
        for joint, needed, effort, unit in zip(
            robot.joints, loads.gravity, robot.effort_limit, units, strict=True
        )
        if needed > effort
    ]
    said += mistaken_units(
        robot,
        {name: read_inertia(link, True, robot.urdf_path) for name, link in _moving(robot).items()},
    )
    said += _slow(robot, loads)
    away = [
        joint
        for joint, low, high in zip(robot.joints, robot.lower, robot.upper, strict=True)
        if not low <= 0.0 <= high
    ]
    if away:
        said.append(f"0 is outside the limits of {few_of(away)}; the arm cannot start there.")
    return said


def _slow(robot: Robot, loads: Loads) -> list[str]:
    """Return what is odd about how fast the motors get each joint through its range, or a turn."""
    turn = np.where(robot.sliding, np.inf, 2.0 * math.pi)
    way = np.minimum(robot.upper - robot.lower, turn)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.maximum(robot.effort_limit - read_friction(robot), 0.0)
        speed = np.fmin(robot.velocity_limit, left / read_damping(robot))
        seconds = way / speed + np.sqrt(2.0 * way * loads.inertia / left)
    slow = [
        f"{joint} {needed:.3g} s"
        for joint, needed in zip(robot.joints, seconds.tolist(), strict=True)
        if needed > _LONG
    ]
    if not slow:
        return []
    return [
        f"the arm hardly moves; through its range, or a turn, takes: {few_of(slow)}. Look at the "
        "velocity and the effort of <limit>, and at the damping and friction of <dynamics>."
    ]


def _efforts(robot: Robot, invented: list[str]) -> list[str]:
    """Return what is odd about the efforts: none, none that is usable, or a placeholder."""
    limits = {joint.get("name"): joint.find("limit") for joint in robot.root().findall("joint")}
    said, missing, unusable = [], [], []
    for joint, effort in zip(robot.joints, robot.effort_limit, strict=True):
        if np.isinf(effort):
            limit = limits[joint]
            text = limit.get("effort") if limit is not None else None
            if text is None or number_of(text) == 0.0:
                missing.append(joint)
            else:
                unusable.append(f'{joint} effort="{text}"')
    if missing:
        said.append(f"no effort is stated for {few_of(missing)}. {_TORQUES}")
    if unusable:
        said.append(f"efforts that limit nothing: {few_of(unusable)}. {_TORQUES}")
    excessive = [
        joint
        for joint, effort in zip(robot.joints, robot.effort_limit, strict=True)
        if joint in invented and np.isfinite(effort)
    ]
    if excessive:
        said.append(
            f"the effort of {few_of(excessive)} is many times what the arm needs. {_TORQUES}"
        )
    return said


def _without_mass(robot: Robot) -> tuple[list[str], list[str]]:
    """Return the moving links without mass: those with a shape, and mere frames."""
    solid: list[str] = []
    frames: list[str] = []
    for name, link in _moving(robot).items():
        if read_inertia(link, False, robot.urdf_path).mass == 0.0:
            shaped = link.find("collision") is not None or link.find("visual") is not None
            (solid if shaped else frames).append(name)
    return solid, frames


def _impossible(robot: Robot) -> list[str]:
    return [
        name
        for name, link in _moving(robot).items()
        if not read_inertia(link, True, robot.urdf_path).is_physical
    ]


def _moving(robot: Robot) -> dict[str, ElementTree.Element]:
    """Return the links that a commanded joint moves, in the order of the file."""
    moved = {joint.child for joint in robot.tree if joint.name in robot.joints}
    for _ in robot.tree:
        moved |= {joint.child for joint in robot.tree if joint.parent in moved}
    links = robot.root().findall("link")
    return {link.get("name", ""): link for link in links if link.get("name") in moved}
