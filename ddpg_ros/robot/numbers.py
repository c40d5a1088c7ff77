"""Numbers in a URDF: finite, written as every reader of a URDF takes them, and possible."""

import math
import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from ddpg_ros.errors import RobotError, shortened
from ddpg_ros.types import Vector

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

FURTHEST = 1000.0
"""An `<origin>` further away is in other units than metres [m]."""


def number_of(text: str) -> float:
    """Return the number that a text is; NaN if it is none or is not finite.

    Python's `float` would take `1_0` and digits of other scripts, which no other reader does.
    """
    number = float(text) if _NUMBER.fullmatch(text.strip()) else math.nan
    return number if math.isfinite(number) else math.nan


def read_number(
    element: ElementTree.Element, tag: str, key: str, default: float | None, where: str
) -> float:
    """Read a finite number from an attribute of a child element.

    Args:
        element: the parent element.
        tag: the child's tag.
        key: the attribute.
        default: the value if the child or its attribute is missing; None makes it required.
        where: file and joint or link, for error messages.

    Raises:
        RobotError: not a finite number, or missing without a default.
    """
    child = element.find(tag)
    text = child.get(key) if child is not None else None
    number = number_of(text) if text is not None else default
    if number is None or math.isnan(number):
        got = f'<{tag} {key}="{shortened(text)}">' if text is not None else f"no <{tag} {key}=…>"
        raise RobotError(f"{where} has {got}; expected a finite number{_with_a_point(text)}.")
    return number


def read_triple(
    element: ElementTree.Element, tag: str, key: str, default: str, where: str
) -> Vector:
    """Read three finite numbers, (3,), from an attribute of a child element.

    Args:
        element: the parent element.
        tag: the child's tag.
        key: the attribute.
        default: the text if the child or its attribute is missing.
        where: file and joint or link, for error messages.

    Raises:
        RobotError: not three finite numbers.
    """
    child = element.find(tag)
    text = child.get(key, default) if child is not None else default
    numbers = np.array([number_of(part) for part in text.split()], dtype=np.float64)
    if numbers.shape != (3,) or np.isnan(numbers).any():
        raise RobotError(
            f'{where} has <{tag} {key}="{shortened(text)}">; expected three finite numbers'
            f"{_with_a_point(text)}."
        )
    return numbers


def read_place(element: ElementTree.Element, where: str) -> tuple[Vector, Vector]:
    """Read the `<origin>` of an element: translation [m] and roll, pitch, yaw [rad], (3,) each.

    Args:
        element: the parent element; without an `<origin>`, both are 0.
        where: file and joint or link, for error messages.

    Raises:
        RobotError: not finite numbers, or a place that no part of an arm is at.
    """
    xyz = read_triple(element, "origin", "xyz", "0 0 0", where)
    rpy = read_triple(element, "origin", "rpy", "0 0 0", where)
    for key, values, unit in (("xyz", xyz, "metres"), ("rpy", rpy, "radians")):
        if np.abs(values).max() > FURTHEST:
            text = " ".join(f"{value:g}" for value in values)
            raise RobotError(
                f'{where} has <origin {key}="{text}">; expected {unit}, none beyond {FURTHEST:g}.'
            )
    return xyz, rpy


def _with_a_point(text: str | None) -> str:
    """Return what to do about a decimal comma, or commas between numbers, if there are any."""
    return ", with a point for decimals and spaces between numbers" if "," in (text or "") else ""
