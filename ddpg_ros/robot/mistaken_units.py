"""Numbers of an arm's file that look like degrees, millimetres or grams: sentences."""

import math

from ddpg_ros.errors import few_of
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.inertia import Inertia
from ddpg_ros.robot.numbers import number_of

_TURNS = 4.0 * math.pi  # [rad] cables allow no joint more than two turns from 0
_ROLL = 2.0 * math.pi + 0.01  # [rad] an origin turned by more
_DENSE, _LIGHT = 2000.0, 0.01  # [kg/m³] of the cube whose side is the reach; arms have 0.1 to 250
_WIDE, _NARROW = 3.0, 3e-4  # radius of gyration: of the reach, [m]; arms have 0.002 m to 0.7
_HEAVY = 0.2  # [kg] a lighter link may be a point


def mistaken_units(robot: Robot, moving: dict[str, Inertia]) -> list[str]:
    """Return what is odd about the sizes of an arm's numbers.

    Args:
        robot: the arm.
        moving: the inertias of the links that move, by link.
    """
    return [*_degrees(robot), *_lengths_and_masses(robot, moving)]


def _degrees(robot: Robot) -> list[str]:
    said = []
    wide = [
        f"{name} {low:.4g} to {high:.4g} rad"
        for name, kind, low, high in zip(
            robot.joints, robot.kinds, robot.lower, robot.upper, strict=True
        )
        if kind == "revolute" and max(-low, high) > _TURNS
    ]
    if wide:
        said.append(
            f"more than two turns from 0: {few_of(wide, 80)}. URDF has radians; if these are "
            "degrees, multiply them by 0.01745."
        )
    turned = [
        f'{element.get("name")} rpy="{origin.get("rpy")}"'
        for element in (*robot.root().iter("joint"), *robot.root().iter("link"))
        for origin in element.iter("origin")
        if any(abs(number_of(part)) > _ROLL for part in origin.get("rpy", "").split())
    ]
    if turned:
        said.append(
            f"origins turned by more than a turn: {few_of(turned, 80)}. URDF has radians; if "
            "these are degrees, multiply them by 0.01745."
        )
    return said


def _lengths_and_masses(robot: Robot, moving: dict[str, Inertia]) -> list[str]:
    said = []
    mass, reach = sum(inertia.mass for inertia in moving.values()), robot.reach
    density = mass / max(reach, 1e-9) ** 3
    if mass and reach and not _LIGHT < density < _DENSE and "prismatic" not in robot.kinds:
        said.append(
            f"the links that move weigh {mass:.3g} kg on a reach of {reach:.3g} m, unlike any "
            "arm. URDF has kilograms and metres, not grams and millimetres."
        )
    radii = {
        name: math.sqrt(inertia.moments.max() / inertia.mass)
        for name, inertia in moving.items()
        if inertia.mass
    }
    wide = [
        f"{name} {radius:.3g} m"
        for name, radius in radii.items()
        if radius > _WIDE * max(reach, 0.3) and "prismatic" not in robot.kinds
    ]
    if wide:
        said.append(
            f"moments of inertia as of mass this far from its centre: {few_of(wide)}, on a reach "
            f"of {reach:.3g} m. URDF has kg·m², not kg·mm² or g·mm²."
        )
    narrow = [
        name for name, radius in radii.items() if radius < _NARROW and moving[name].mass > _HEAVY
    ]
    if narrow:
        said.append(
            f"moments of inertia as of points: {few_of(narrow)}. They are used as they are; give "
            "the links theirs in kg·m²."
        )
    return said
