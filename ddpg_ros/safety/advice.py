"""Numbers that a refusal advises: three significant digits, on the side that holds."""

import math

from ddpg_ros.config.settings import Value
from ddpg_ros.types import Vector

ROUNDING = 1.0 + 1e-9
"""A number so little above a bound is within it."""


def rounded_down(numbers: Vector) -> list[float]:
    """Return numbers rounded down; 0 and inf stay."""
    return [_floor(number) for number in numbers.tolist()]


def rounded_up(number: float) -> float:
    """Return a finite number above 0 rounded up."""
    unit = _unit(number)
    return max(number, math.ceil(number / unit / ROUNDING) * unit)


def written(value: Value) -> str:
    """Return a setting as in a YAML file."""
    if isinstance(value, list):
        return f"[{', '.join(f'{number:.6g}' for number in value)}]"
    if value is False:
        return "false (the gains are then computed)"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _floor(number: float) -> float:
    if not 0.0 < number < math.inf:
        return number
    unit = _unit(number)
    return min(number, math.floor(number / unit * ROUNDING) * unit)  # 66 · 0.1 is above 6.6


def _unit(number: float) -> float:
    return 10.0 ** (math.floor(math.log10(number)) - 2)
