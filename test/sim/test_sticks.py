"""An arm without visuals is drawn as sticks from joint to joint."""

import numpy as np
import pytest

pytest.importorskip("pybullet")

from ddpg_ros.config.sections import SimSection
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.kinematics import transform
from sim.camera import BACKGROUND
from sim.description import describe
from sim.world import World
from test.sim.test_sliding import GANTRY, SCARA

pytestmark = pytest.mark.bullet


def bare(tmp_path, urdf: str) -> Robot:
    file = tmp_path / "arm.urdf"
    file.write_text(urdf)
    assert "<visual" not in urdf
    return Robot.load(str(file))


@pytest.mark.parametrize("urdf", [SCARA, GANTRY])
def test_an_arm_without_visuals_is_seen_and_said(tmp_path, urdf):
    with World(bare(tmp_path, urdf), SimSection()) as world:
        seen = (world.render(160, 120) != np.array(BACKGROUND)).any(axis=2)
        assert (
            "arm.urdf has no visuals that can be drawn; its joints are drawn as" in world.notes[0]
        )
    assert np.ptp(np.argwhere(seen), axis=0).max() > 20  # of 160 pixels


def test_each_stick_goes_from_a_links_frame_to_the_next_joint(tmp_path):
    robot = bare(tmp_path, SCARA)
    root = describe(robot).root
    ends = {}
    for joint in robot.chain:
        link = next(link for link in root.findall("link") if link.get("name") == joint.parent)
        for visual in link.findall("visual"):
            rod = visual.find("geometry/cylinder")
            if rod is None or joint.name == "lift":
                continue
            numbers = [
                np.array(visual.find("origin").get(key).split(), dtype=float)
                for key in ("xyz", "rpy")
            ]
            half = 0.5 * float(rod.get("length"))
            frame = transform(*numbers)
            ends[joint.name] = [(frame @ [0, 0, side * half, 1])[:3] for side in (-1, 1)]
    assert ends
    for joint in robot.chain:
        if joint.name in ends:
            start, end = ends[joint.name]
            assert start == pytest.approx(np.zeros(3), abs=1e-9)
            assert end == pytest.approx(joint.origin[:3, 3], abs=1e-9)


def test_an_arm_with_visuals_gets_no_sticks(tmp_path):
    file = tmp_path / "arm.urdf"
    box = '<visual><geometry><box size="1 1 1"/></geometry></visual>'
    file.write_text(SCARA.replace("</inertial>", f"</inertial>{box}"))
    described = describe(Robot.load(str(file)))
    assert not described.notes and described.root.find("link/visual//sphere") is None
