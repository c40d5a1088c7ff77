"""Real URDFs with one thing changed, as slips of an editor or of an exporter change them."""

import contextlib
import copy
import xml.etree.ElementTree as ElementTree
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path

from hypothesis import strategies as st

from benchmarks.arms import ARMS, robots

_NUMBERS = ["0", "-1", "1e6", "-1e-9", "1e300", "1e400", "nan", "inf", "-inf", "0,5", "1 kg", "",
            "90", "1_0", "0x10", "٣", "1e-300", "3.14.15", "++1", " 2 "]  # fmt: skip
_TEXTS = ["", "x", "base", "no such", "a b", "ä", "a" * 5000, "${x}", "../..", "file:///"]
_WAYS = ("number", "number", "number", "text", "attribute", "element", "add", "twice")
_ADDED = (
    "<link/>", "<joint/>", '<mimic joint="x"/>', "<inertial/>", "<limit/>", "<origin/>", "<axis/>",
    "<visual/>", "<collision><geometry/></collision>", '<dynamics friction="-1"/>', "<geometry/>",
    '<visual><geometry><mesh filename=""/></geometry></visual>', "<parent/>",
    '<collision><geometry><sphere radius="1e30"/></geometry></collision>',
)  # fmt: skip


@cache
def files() -> tuple[Path, ...]:
    """Return the arms: PyBullet's, and those of example-robot-data if it is installed."""
    spec = find_spec("pybullet_data")
    folders = spec.submodule_search_locations if spec else None
    names = ("franka_panda/panda.urdf", "kuka_iiwa/model.urdf", "cartpole.urdf",
             "xarm/xarm6_with_gripper.urdf", "pendulum5.urdf", "TwoJointRobot_w_fixedJoints.urdf",
             "kuka_lwr/kuka.urdf")  # fmt: skip
    found = [Path(folder) / name for folder in folders or () for name in names]
    with contextlib.suppress(PackageNotFoundError):
        found += [robots() / arm.file for arm in ARMS if not arm.brought]
    return tuple(file for file in found if file.is_file())


@cache
def _root(file: Path) -> ElementTree.Element:
    return ElementTree.parse(file).getroot()


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Path, str, bytes]:
    """Draw a file, what was changed, and its text then."""
    file = draw(st.sampled_from(files()))
    root = copy.deepcopy(_root(file))
    links_and_joints = [part for part in root if part.tag in ("link", "joint")]
    part = draw(st.sampled_from(links_and_joints))
    inner = list(part.iter())
    at = draw(st.sampled_from(inner))
    way = draw(st.sampled_from(_WAYS))
    said = f"{way} {part.tag} {part.get('name')} <{at.tag}>"
    if way in ("number", "text") and at.attrib:
        key = draw(st.sampled_from(sorted(at.attrib)))
        old = at.attrib[key].split()
        if way == "number":
            place = draw(st.integers(0, max(len(old) - 1, 0)))
            old = old or [""]
            old[place] = draw(st.sampled_from(_NUMBERS))
            at.set(key, " ".join(old))
        else:
            at.set(key, draw(st.sampled_from(_TEXTS)))
        said += f" {key}={at.get(key)[:40]!r}"
    elif way == "attribute" and at.attrib:
        key = draw(st.sampled_from(sorted(at.attrib)))
        del at.attrib[key]
        said += f" without {key}"
    elif way == "element":
        parents = {child: parent for parent in root.iter() for child in parent}
        parents[at].remove(at)
    elif way == "add":
        new = draw(st.sampled_from(_ADDED))
        at.append(ElementTree.fromstring(new))
        said += f" with {new}"
    else:
        root.append(copy.deepcopy(part))
    return file, said, ElementTree.tostring(root)
