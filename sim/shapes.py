"""Checks the shapes of a URDF's links: PyBullet takes NaN and sizes below 0 in silence."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

from ddpg_ros.errors import RobotError, shortened
from ddpg_ros.robot.numbers import number_of, read_place
from sim.meshes import find_mesh

_SIZES = {
    "box": {"size": 3},
    "cylinder": {"radius": 1, "length": 1},
    "capsule": {"radius": 1, "length": 1},
    "sphere": {"radius": 1},
}
"""The attributes of each geometry, and how many numbers each has."""


class Flaw(NamedTuple):
    """Why a shape is left out."""

    what: str  # "a mesh, 'arm.stl'"
    home: str  # the package or folder of a mesh: what is not there, is so for all in it
    problem: str  # the end of a sentence


def prepare(shape: ElementTree.Element, folder: Path) -> Flaw | None:
    """Check a `<visual>` or `<collision>`, and replace the name of its mesh by its path.

    Args:
        shape: it is changed.
        folder: of the URDF.
    """
    try:
        read_place(shape, "it")
    except RobotError as error:
        return Flaw("a shape", "", str(error).rstrip("."))
    geometry = shape.find("geometry")
    kinds = [child.tag for child in geometry] if geometry is not None else []
    if geometry is None or not kinds:
        return Flaw(
            "a shape", "", f"its <geometry> is empty; expected {', '.join(_SIZES)} or mesh"
        )
    form = geometry[0]
    for key, count in _SIZES.get(form.tag, {}).items():
        text = form.get(key, "")
        numbers = [number_of(part) for part in text.split()]
        if len(numbers) != count or not all(number > 0.0 for number in numbers):
            expected = "a number" if count == 1 else f"{count} numbers"
            got = f'<{form.tag} {key}="{shortened(text)}">'
            return Flaw("a shape", "", f"it has {got}; expected {expected} above 0")
    return _mesh(form, folder) if form.tag == "mesh" else None


def _mesh(mesh: ElementTree.Element, folder: Path) -> Flaw | None:
    name = mesh.get("filename", "")
    what, home = f"a mesh, '{name}'", _home_of(name)
    if (scale := mesh.get("scale")) is not None:
        numbers = [number_of(part) for part in scale.split()]
        if len(numbers) != 3 or not all(abs(number) > 0.0 for number in numbers):
            got = f'it has scale="{shortened(scale)}"'
            return Flaw(what, home, f"{got}; expected three numbers, none of them 0")
    found, problem = find_mesh(name, folder)
    if found is None:
        return Flaw(what, home, problem)
    mesh.set("filename", str(found))
    return None


def _home_of(name: str) -> str:
    scheme, _, rest = name.rpartition("://")
    return rest.partition("/")[0] if scheme == "package" else name.rpartition("/")[0]
