"""The units of a joint: angles and torques if it turns, lengths and forces if it slides."""

from collections.abc import Sequence
from typing import NamedTuple


class Units(NamedTuple):
    """How a message writes the quantities of a joint."""

    position: str
    velocity: str
    torque: str
    damping: str


TURNS = Units("rad", "rad/s", "N·m", "N·m·s/rad")
SLIDES = Units("m", "m/s", "N", "N·s/m")


def units_of(kinds: Sequence[str]) -> tuple[Units, ...]:
    """Return the units of joints of these URDF types."""
    return tuple(SLIDES if kind == "prismatic" else TURNS for kind in kinds)
