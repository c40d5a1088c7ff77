"""Finds the meshes of a URDF, by `package://`, `file://` or path, and checks them."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from ddpg_ros.files.kinds import is_regular
from ddpg_ros.robot.packages import SEARCHED, package_folders

_OBJ_VERTEX, _OBJ_FACE = re.compile(rb"^\s*v\s", re.M), re.compile(rb"^\s*f\s", re.M)
_STL_VERTEX = re.compile(rb"vertex\s+(\S+)\s+(\S+)\s+(\S+)")
_STL_HEADER = 84  # [bytes]
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])


def find_mesh(name: str, folder: Path) -> tuple[Path | None, str]:
    """Find a mesh.

    A package is searched for in `AMENT_PREFIX_PATH`, in `ROS_PACKAGE_PATH`, and among the URDF's
    parent folders and their children.

    Args:
        name: as in the URDF.
        folder: of the URDF.

    Returns:
        The file, or None, and why it cannot be drawn, as the end of a sentence.
    """
    candidates = list(dict.fromkeys(_candidates(name, folder)))
    found = locate(name, folder)
    if found is None:
        looked = ", ".join(map(str, candidates)) or "nowhere: there is no such scheme"
        package = name.startswith("package://")
        hint = f"; source its workspace, or add its folder to {SEARCHED}" if package else ""
        return None, f"it is not there; looked at {looked}{hint}"
    problem = _problem_of(found)
    return (None, f"{found} {problem}") if problem else (found, "")


def locate(name: str, folder: Path) -> Path | None:
    """Return the file of a mesh, as `find_mesh` finds it, whatever is in it; None: not there."""
    return next((file for file in _candidates(name, folder) if is_regular(file)), None)


def _problem_of(file: Path) -> str:
    """Return why PyBullet cannot draw a file; PyBullet itself would be silent, or crash."""
    try:
        data, kind = file.read_bytes(), file.suffix.lower()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if kind == ".obj":
        drawn = _OBJ_VERTEX.search(data) and _OBJ_FACE.search(data)
        return "" if drawn else "has no vertices or no faces"
    if kind == ".stl":
        return "" if _is_binary(data) or len(_corners(data)) else "is not a whole STL file"
    if kind == ".dae":
        try:
            root = ElementTree.fromstring(data)
        except ElementTree.ParseError as error:
            return f"is not COLLADA ({error})"
        tags = {child.tag.rpartition("}")[2] for child in root}
        whole = root.tag.endswith("COLLADA") and {"asset", "library_geometries"} <= tags
        return "" if whole else "is not COLLADA with an asset and geometries"
    return "is of a kind that PyBullet does not draw; expected .obj, .stl or .dae"


def readable(file: Path, folder: Path) -> Path:
    """Return a mesh that PyBullet can read: the file, or for a text STL a binary copy."""
    if file.suffix.lower() != ".stl" or _is_binary(data := file.read_bytes()):
        return file
    copy = folder / f"{len(list(folder.iterdir()))}.stl"
    corners = _corners(data)
    triangles = np.zeros(len(corners), _TRIANGLE)
    triangles["corners"] = corners
    sides = np.diff(corners, axis=1)
    triangles["normal"] = np.cross(sides[:, 0], sides[:, 1])
    count = len(corners).to_bytes(4, "little")
    copy.write_bytes(bytes(_STL_HEADER - 4) + count + triangles.tobytes())
    return copy


def _is_binary(stl: bytes) -> bool:
    count = int.from_bytes(stl[_STL_HEADER - 4 : _STL_HEADER], "little")
    return count > 0 and len(stl) == _STL_HEADER + _TRIANGLE.itemsize * count


def _corners(stl: bytes) -> NDArray[np.float64]:
    """Return the triangles of a text STL, (n, 3 corners, 3); none if it is not one, or is cut."""
    whole = stl.lstrip().startswith(b"solid") and b"endsolid" in stl
    numbers = np.array(_STL_VERTEX.findall(stl) if whole else [])
    if not len(numbers) or len(numbers) % 3:
        return np.zeros((0, 3, 3))
    try:
        return numbers.astype(np.float64).reshape(-1, 3, 3)
    except ValueError:
        return np.zeros((0, 3, 3))


def _candidates(name: str, folder: Path) -> Iterator[Path]:
    scheme, colon, rest = name.partition("://")
    if not colon:
        yield folder / name
    elif scheme == "file":
        yield folder / unquote(urlsplit(name).path if rest.startswith("/") else rest)
    elif scheme in ("package", "model"):
        package, _, path = rest.partition("/")
        for home in package_folders(package, folder):
            yield home / path
