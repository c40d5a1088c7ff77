"""Arms that no one here wrote: which they are, and the page that shows them.

`python -m benchmarks.arms` writes docs/arms.md and docs/images/arms.png. It needs the package
example-robot-data (`make test-arms` installs it); the tests of test/arms go through the same list.
"""

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from ddpg_ros.cli.proposal import extent, propose
from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from sim.world import World

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE = ROOT / "docs" / "arms.md", ROOT / "docs" / "images" / "arms.png"
_COLUMNS, _SIDE, _COLOURS = 6, 150, 64  # of the contact sheet; [px]
_MISSING = float("inf")  # limits that a file does not state


class Arm(NamedTuple):
    """An arm of another's: its name, file, tip, and where it is from."""

    name: str
    file: str
    tip: str = ""
    brought: bool = False  # by pybullet_data

    def load(self) -> Robot:
        """Return the arm, with stand-ins for limits that its file does not state."""
        path = self.file if self.brought else str(robots() / self.file)
        return Robot.load(path, tip=self.tip, efforts=_MISSING, velocities=_MISSING)


ARMS = (
    Arm("UR3", "ur_description/urdf/ur3_robot.urdf"),
    Arm("UR5", "ur_description/urdf/ur5_robot.urdf"),
    Arm("UR5, gripper", "ur_description/urdf/ur5_gripper.urdf"),
    Arm("UR10", "ur_description/urdf/ur10_robot.urdf"),
    Arm("Franka Panda", "panda_description/urdf/panda.urdf"),
    Arm("Kinova Jaco 2", "kinova_description/robots/kinova.urdf"),
    Arm("Kinova on ANYmal", "anymal_b_simple_description/robots/anymal-kinova.urdf"),
    Arm("xArm 7", "xarm_description/urdf/xarm7.urdf"),
    Arm("Unitree Z1", "z1_description/urdf/z1.urdf"),
    Arm("Z1 on B1", "b1_description/urdf/b1-z1.urdf"),
    Arm("SO-100", "so_arm_description/urdf/so100.urdf"),
    Arm("SO-101", "so_arm_description/urdf/so101.urdf"),
    Arm("Talos, left arm", "talos_data/robots/talos_left_arm.urdf"),
    Arm("Talos, whole", "talos_data/robots/talos_full_v2.urdf", "gripper_left_base_link"),
    Arm("Tiago", "tiago_description/robots/tiago.urdf"),
    Arm("Tiago Pro", "tiago_pro_description/robots/tiago_pro.urdf", "arm_left_tool_link"),
    Arm("Baxter", "baxter_description/urdf/baxter.urdf", "left_gripper"),
    Arm("PR2", "pr2_description/urdf/pr2.urdf", "l_gripper_tool_frame"),
    Arm("G1", "g1_description/urdf/g1_29dof_rev_1_0.urdf", "left_wrist_yaw_link"),
    Arm("Two degrees", "asr_twodof_description/urdf/TwoDofs.urdf"),
    Arm("Borinot's arm", "borinot_description/urdf/borinot_flying_arm_2.urdf"),
    Arm("Hextilt's arm", "hextilt_description/urdf/hextilt_flying_arm_5.urdf"),
    Arm("Finger", "finger_edu_description/robots/finger_edu.urdf"),
    Arm("KUKA iiwa", "kuka_iiwa/model.urdf", brought=True),
)


def robots() -> Path:
    """Return the folder of the package's descriptions.

    Raises:
        PackageNotFoundError: the package is not installed.
    """
    files = distribution("example-robot-data")
    return Path(str(files.locate_file("cmeel.prefix/share/example-robot-data/robots")))


def main() -> int:
    """Write the page; returns the exit code."""
    try:
        robots()
    except PackageNotFoundError:
        print("needs example-robot-data: make test-arms installs it", file=sys.stderr)
        return 2
    rows, tiles = [], []
    for arm in ARMS:
        robot = arm.load()
        mass = MassMatrix(robot)
        own = {"robot.urdf": str(robot.urdf_path), "robot.tip": robot.tip}
        base = Config().with_parameters(own, source=arm.name)
        with World(robot, base.sim) as world:
            proposal = propose(base, robot, mass, world.touches_itself)
            world.touches_itself(np.array(proposal.config.sim.start_position))
            tiles.append(_tile(world.render(720, 540), arm.name))
        loads, kinds = proposal.loads, robot.kinds
        sliding = kinds.count("prismatic")
        joints = f"{len(kinds)}" + (f", {sliding} sliding" if sliding else "")
        turning = ~robot.sliding
        weight = loads.gravity[turning].max(initial=0.0)
        moved, room = f"{loads.mass[0]:.3g}", f"{2.0 * extent(robot):.2g}"
        cells = [arm.name, arm.file, robot.tip, joints, moved, room, f"{weight:.3g}"]
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1])
    _sheet(tiles).quantize(_COLOURS).save(PICTURE, optimize=True)
    PAGE.write_text(_PAGE.format(rows="\n".join(rows), count=len(ARMS)), encoding="utf-8")
    return 0


def _tile(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", name: str) -> Image.Image:
    from ddpg_ros.cli.robot import cropped

    part = cropped(Image.fromarray(pixels))
    part.thumbnail((_SIDE, _SIDE - 16))
    tile = Image.new("RGB", (_SIDE, _SIDE), tuple(pixels[0, 0].tolist()))
    tile.paste(part, ((_SIDE - part.width) // 2, (_SIDE - 16 - part.height) // 2))
    ImageDraw.Draw(tile).text((_SIDE // 2, _SIDE - 9), name, fill=(40, 40, 40), anchor="mm")
    return tile


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    lines = -(-len(tiles) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _SIDE, lines * _SIDE), tiles[0].getpixel((0, 0)))
    for index, tile in enumerate(tiles):
        line, column = divmod(index, _COLUMNS)
        sheet.paste(tile, (column * _SIDE, line * _SIDE))
    return sheet


_PAGE = """# Arms of others

{count} arms that no one here wrote, from the package `example-robot-data`, and KUKA's from
PyBullet. `make test-arms` loads each, compares its moving mass and its torque against gravity with
its file's, moves it, lets it stand in its own weight, and draws it. `python -m benchmarks.arms`
makes the picture and the table; each arm is at the start posture that `ddpg-ros robot` chooses.

![each arm at its start posture](images/arms.png)

| arm | file | tip | joints | moves [kg] | tip's range [m] | most torque against gravity [N·m] |
|---|---|---|---|---|---|---|
{rows}

The file and its tip are all that `ddpg-ros robot` needs ([your-arm.md](your-arm.md)). Files with
several arms are refused with the list of their tips, of which one is above.
"""


if __name__ == "__main__":
    sys.exit(main())
