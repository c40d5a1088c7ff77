"""The limits of a URDF's joint, and its `<safety_controller>`."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

from ddpg_ros.errors import RobotError, shortened
from ddpg_ros.robot.numbers import number_of

ASKED_OF = {"effort": "robot.torque_limit", "velocity": "safety.velocity_limit"}
"""The settings that stand in for limits that a URDF lacks."""

_UNITS = {"effort": "N·m", "velocity": "rad/s", "lower": "rad", "upper": "rad"}
_UNLIMITED = ("nan", "inf", "+inf", "-inf", "infinity")  # which some files write for no limit
_WIDEST = 1000.0  # [rad], [m] a position limit further out is none
_SLIDING = {"effort": "N", "velocity": "m/s", "lower": "m", "upper": "m"}


class SafetyController(NamedTuple):
    """A joint's `<safety_controller>`; None for what the URDF does not state."""

    soft_lower: float | None = None  # [rad]
    soft_upper: float | None = None  # [rad]
    k_position: float | None = None  # [1/s]
    k_velocity: float | None = None  # [N·m·s/rad]


class JointLimit(NamedTuple):
    """The limits of a joint, as its URDF states them or a setting does in its place."""

    lower: float  # [rad], [m] if prismatic; −inf if continuous
    upper: float  # likewise
    velocity: float  # [rad/s], [m/s]
    effort: float  # [N·m], [N]


def read_limits(
    element: ElementTree.Element, effort: float | None = None, velocity: float | None = None
) -> JointLimit:
    """Return a joint's limits.

    Many files state no effort or velocity, or 0, for a driver that has limits of its own.

    Args:
        element: the joint.
        effort: what stands in for a missing effort, or one of 0 [N·m], [N] if prismatic.
        velocity: likewise [rad/s], [m/s].

    Raises:
        RobotError: a limit is missing or impossible; the message names the joint, not the file.
    """
    name, kind = element.get("name"), element.get("type", "")
    limit = element.find("limit")
    stand_in = {"effort": effort, "velocity": velocity}
    value: dict[str, float] = {}
    missing, wrong = [], []
    for key in ("effort", "velocity", "lower", "upper"):
        if kind == "continuous" and key in ("lower", "upper"):
            continue
        text = limit.get(key) if limit is not None else None
        other = stand_in.get(key)
        number = number_of(text) if text is not None else math.nan
        if text is not None and math.isnan(number) and text.strip().lower() not in _UNLIMITED:
            raise RobotError(
                f"joint '{name}' has <limit {key}=\"{shortened(text)}\">; expected a number, with "
                "a point for decimals and no unit."
            )
        good = math.isfinite(number) and (key not in ASKED_OF or number > 0.0)
        if good or other is not None:
            value[key] = number if good or other is None else other
        elif text is None:
            missing.append(key)
        else:
            wrong.append(f'{key}="{text}"')
    asked = [f"{ASKED_OF[key]}" for key in ASKED_OF if key not in value]
    settings = f", or set {' and '.join(asked)}, one number for each joint" if asked else ""
    if missing:
        units = _SLIDING if kind == "prismatic" else _UNITS
        example = " ".join(f'{key}="[{unit}]"' for key, unit in units.items())
        raise RobotError(
            f"joint '{name}' has no limit for {', '.join(missing)}; add <limit {example}/>"
            f"{settings}."
        )
    lower, upper = value.get("lower", -math.inf), value.get("upper", math.inf)
    if wrong or not lower < upper:
        stated = ", ".join(wrong) or f"lower {lower:g} and upper {upper:g}"
        raise RobotError(
            f"joint '{name}' has the limits {stated}; expected finite numbers with effort > 0, "
            f"velocity > 0 and lower < upper. Correct the file{settings}."
        )
    if kind != "continuous" and max(-lower, upper) > _WIDEST:
        free = "" if kind == "prismatic" else '; a joint that turns freely is type="continuous"'
        raise RobotError(
            f"joint '{name}' has the limits lower {lower:g} and upper {upper:g}; expected "
            f"{'metres' if kind == 'prismatic' else 'radians'}, none beyond {_WIDEST:g}{free}."
        )
    return JointLimit(lower, upper, value["velocity"], value["effort"])


def read_safety(element: ElementTree.Element, path: Path) -> SafetyController:
    """Return a joint's `<safety_controller>`, all None if the joint has none.

    Raises:
        RobotError: an attribute is not a finite number, or a gain is negative.
    """
    tag = element.find("safety_controller")
    if tag is None:
        return SafetyController()
    value: dict[str, float | None] = {}
    for key in ("soft_lower_limit", "soft_upper_limit", "k_position", "k_velocity"):
        text = tag.get(key)
        number = number_of(text) if text is not None else None
        negative = number is not None and number < 0.0 and key.startswith("k_")
        if number is not None and (negative or math.isnan(number)):
            raise RobotError(
                f"{path}: joint '{element.get('name')}' has <safety_controller {key}=\"{text}\">; "
                f"expected a finite number{', at least 0' if negative else ''}."
            )
        value[key] = number
    return SafetyController(*value.values())
