"""Meshes: where they are looked for, and what happens without them."""

import re
import struct

import numpy as np
import pytest

pytest.importorskip("pybullet")

from ddpg_ros.config.sections import SimSection
from ddpg_ros.robot.arm import Robot
from sim.camera import BACKGROUND
from sim.description import describe
from sim.meshes import find_mesh
from sim.world import World

pytestmark = pytest.mark.bullet

CORNERS = [(-0.1, -0.1, -0.1), (0.3, -0.1, -0.1), (0.1, 0.3, -0.1), (0.1, 0.0, 0.3)]
FACES = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)]


def obj():
    lines = [f"v {x} {y} {z}" for x, y, z in CORNERS]
    return "\n".join(lines + [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in FACES]).encode()


def stl():
    triangles = b"".join(
        struct.pack("<12fH", 0, 0, 1, *(x for corner in face for x in CORNERS[corner]), 0)
        for face in FACES
    )
    return b"solid is no text\0".ljust(80, b"\0") + struct.pack("<I", len(FACES)) + triangles


def dae():
    numbers = " ".join(str(x) for corner in CORNERS for x in corner)
    order = " ".join(str(corner) for face in FACES for corner in face)
    return f"""<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
      <asset><unit name="meter" meter="1"/><up_axis>Z_UP</up_axis></asset>
      <library_geometries><geometry id="g"><mesh>
        <source id="p"><float_array id="a" count="12">{numbers}</float_array><technique_common>
          <accessor source="#a" count="4" stride="3"/></technique_common></source>
        <source id="n"><float_array id="b" count="3">0 0 1</float_array><technique_common>
          <accessor source="#b" count="1" stride="3"/></technique_common></source>
        <vertices id="v"><input semantic="POSITION" source="#p"/>
          <input semantic="NORMAL" source="#p"/></vertices>
        <triangles count="4"><input semantic="VERTEX" source="#v" offset="0"/>
          <p>{order}</p></triangles>
      </mesh></geometry></library_geometries>
      <library_visual_scenes><visual_scene id="s"><node id="o">
        <instance_geometry url="#g"/></node></visual_scene></library_visual_scenes>
      <scene><instance_visual_scene url="#s"/></scene></COLLADA>""".encode()


def text_stl():
    facets = [
        "facet normal 0 0 1\nouter loop\n"
        + "".join("vertex {} {} {:e}\n".format(*CORNERS[corner]) for corner in face)
        + "endloop\nendfacet\n"
        for face in FACES
    ]
    return f"solid arm\n{''.join(facets)}endsolid arm\n".encode()


GOOD = {"arm.obj": obj(), "arm.stl": stl(), "ARM.STL": stl(), "arm.dae": dae()}
GOOD["text.stl"] = text_stl()
BAD = {
    "arm.gltf": (b"{}", "is of a kind that PyBullet does not draw; expected .obj, .stl or .dae"),
    "empty.obj": (b"", "has no vertices or no faces"),
    "cut.stl": (stl()[:-1], "is not a whole STL file"),
    "text.stl": (text_stl()[:-20], "is not a whole STL file"),
    "words.stl": (text_stl().replace(b"vertex 0", b"vertex x0"), "is not a whole STL file"),
    "cut.dae": (dae()[:-20], "is not COLLADA"),
    "other.dae": (b"<a/>", "is not COLLADA with an asset and geometries"),  # would be a crash
}


def arm(folder, mesh, kind="visual"):
    """Write an arm of one link with one mesh; return its robot."""
    shape = f'<{kind}><geometry><mesh filename="{mesh}"/></geometry></{kind}>'
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "arm.urdf"
    file.write_text(
        '<robot name="arm"><link name="base"/><joint name="j" type="revolute">'
        '<parent link="base"/><child link="arm"/><axis xyz="0 1 0"/>'
        '<limit effort="5" velocity="10" lower="-3" upper="3"/></joint><link name="arm"><inertial>'
        '<mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>'
        f"{shape}</link></robot>"
    )
    return Robot.load(str(file))


def drawn(world):
    return int((world.render(80, 60) != BACKGROUND).any(axis=2).sum())


@pytest.mark.parametrize("name", GOOD)
def test_fault_81_meshes_of_the_package_that_the_urdf_stands_in_are_drawn(tmp_path, name):
    meshes = tmp_path / "my_arm" / "meshes"
    meshes.mkdir(parents=True)
    (meshes / name).write_bytes(GOOD[name])
    for mesh in (
        f"package://my_arm/meshes/{name}",
        f"../meshes/{name}",
        f"file://{meshes}/{name}",
    ):
        with World(arm(tmp_path / "my_arm" / "urdf", mesh), SimSection()) as world:
            assert world.notes == ()
            assert drawn(world) > 50


@pytest.mark.parametrize("name", BAD)
def test_fault_81_a_mesh_that_cannot_be_drawn_is_named_and_left_out(tmp_path, name):
    data, reason = BAD[name]
    (tmp_path / name).write_bytes(data)
    with World(arm(tmp_path, name), SimSection()) as world:
        note, sticks = world.notes
        assert "has no visuals that can be drawn" in sticks
        assert f"arm.urdf: link 'arm' is drawn without a mesh, '{name}': {tmp_path / name}" in note
        assert reason in note
        assert drawn(world) < 10  # the joint
        world.step(np.array([1.0]), 4)
        assert world.state(0).velocity[0] > 0


def test_fault_81_a_mesh_that_is_not_there_is_named_with_the_places_looked_at(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path / "install"))
    monkeypatch.setenv("ROS_PACKAGE_PATH", f"{tmp_path}/src/other:{tmp_path}/src")
    with World(arm(tmp_path / "urdf", "package://other/arm.stl"), SimSection()) as world:
        note, _ = world.notes
    places = ["install/share/other/arm.stl", "src/other/arm.stl", "src/other/other/arm.stl"]
    places += ["urdf/other/arm.stl", "other/arm.stl"]
    for place in places:
        assert str(tmp_path / place) in note


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("AMENT_PREFIX_PATH", "share/other"),
        ("ROS_PACKAGE_PATH", "other"),
        ("ROS_PACKAGE_PATH", ""),
        (None, "other"),
    ],
)
def test_a_package_is_found_where_ros_has_it_or_beside_the_urdf(
    tmp_path, monkeypatch, variable, folder
):
    home = tmp_path / "place" / "other"
    prefix = home if not folder else tmp_path / "place"
    at = prefix / folder / "arm.stl"
    at.parent.mkdir(parents=True)
    at.write_bytes(stl())
    for name in ("AMENT_PREFIX_PATH", "ROS_PACKAGE_PATH"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, f"/nowhere:{prefix}")
    beside = tmp_path / "elsewhere" if variable else tmp_path / "place" / "mine" / "urdf"
    assert find_mesh("package://other/arm.stl", beside) == (at, "")


def test_a_mesh_that_cannot_be_read_is_left_out(tmp_path):
    found, why = find_mesh("/proc/self/mem", tmp_path)
    assert (found, why) == (None, "/proc/self/mem cannot be read (Input/output error)")


def test_an_address_on_the_net_is_no_place():
    found, problem = find_mesh("http://arms/arm.stl", "/nowhere")
    assert found is None and "no such scheme" in problem


def test_a_collision_shape_is_looked_for_if_links_are_to_keep_apart(tmp_path):
    robot = arm(tmp_path, "package://gone/arm.stl", "collision")
    with World(robot, SimSection()) as world:
        assert "link 'arm' touches nothing with a mesh, 'package://gone" in world.notes[0]
    with World(robot, SimSection(self_collision=False)) as world:
        (note,) = world.notes
        assert "has no visuals" in note


def test_a_shape_that_pybullet_cannot_read_is_left_out(tmp_path):
    robot = arm(tmp_path, "x.stl")
    text = robot.urdf_path.read_text().replace('<mesh filename="x.stl"/>', "<blob/>")
    (tmp_path / "box.urdf").write_text(text)
    with World(Robot.load(str(tmp_path / "box.urdf")), SimSection()) as world:
        assert "is without shapes" in " ".join(world.notes)
        assert drawn(world) < 10  # the joint


def test_an_arm_whose_tip_stands_on_its_base_has_a_picture(tmp_path):
    (tmp_path / "arm.stl").write_bytes(stl())
    robot = arm(tmp_path, "arm.stl")
    assert robot.reach == 0
    with World(robot, SimSection()) as world:
        assert drawn(world) > 50


def test_a_long_description_keeps_its_shapes(tmp_path):
    (tmp_path / "arm.stl").write_bytes(stl())
    text = arm(tmp_path, "arm.stl").urdf_path.read_text()
    shape = text[text.index("<visual>") : text.index("</visual>") + len("</visual>")]
    for count in range(60, 75):  # PyBullet breaks a line at 8192 characters, wherever that is
        file = tmp_path / f"long{count}.urdf"
        file.write_text(text.replace(shape, shape * count))
        with World(Robot.load(str(file)), SimSection()) as world:
            assert world.notes == ()


def test_meshes_of_a_package_that_is_not_there_are_one_sentence(tmp_path):
    text = arm(tmp_path, "package://gone/meshes/arm.stl").urdf_path.read_text()
    more = "".join(
        f'<link name="l{i}"><visual><geometry><mesh filename="package://gone/meshes/{i}.stl"/>'
        f'</geometry></visual></link><joint name="f{i}" type="fixed"><parent link="arm"/>'
        f'<child link="l{i}"/></joint>'
        for i in range(3)
    )
    (tmp_path / "many.urdf").write_text(text.replace("</robot>", f"{more}</robot>"))
    with World(Robot.load(str(tmp_path / "many.urdf")), SimSection()) as world:
        note, _ = world.notes
    assert "link 'arm' is drawn without a mesh, 'package://gone/meshes/arm.stl'" in note
    assert f"looked at {tmp_path}/gone/meshes/arm.stl" in note
    assert "; source its workspace, or add its folder to ROS_PACKAGE_PATH" in note
    assert note.endswith("; the same of l0, l1, l2.")


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ('<box size="-0.2 0.1 0.1"/>', '<box size="-0.2 0.1 0.1">; expected 3 numbers above 0'),
        ('<box size="nan 1 1"/>', '<box size="nan 1 1">; expected 3 numbers above 0'),
        ('<cylinder length="1"/>', '<cylinder radius="">; expected a number above 0'),
        ('<mesh filename="cube.stl" scale="0 1 1"/>', 'scale="0 1 1"; expected three numbers'),
        ("", "its <geometry> is empty"),
    ],
)
def test_a_shape_that_cannot_be_is_left_out_alone_and_said_with_its_link(
    tmp_path, shape, sentence
):
    robot = arm(tmp_path, "arm.stl")
    good = '<visual><geometry><sphere radius="0.1"/></geometry></visual>'
    bad = f"<visual><geometry>{shape}</geometry></visual>"
    text = robot.urdf_path.read_text()
    start, end = text.index("<visual>"), text.index("</link></robot>")
    robot.urdf_path.write_text(text[:start] + good + bad + text[end:])
    described = describe(Robot.load(str(robot.urdf_path)))
    assert len(described.root.findall("link/visual")) == 1
    assert re.search(rf"link 'arm' is drawn without a .*{re.escape(sentence)}", *described.notes)
