"""`ddpg-ros robot`: what it prints, what it writes, and that this trains."""

import math
import os
from contextlib import ExitStack

import numpy as np
import pytest

pytest.importorskip("pybullet")

from PIL import Image
from rich.console import Console

from ddpg_ros.build import build_arm
from ddpg_ros.cli.prepare import prepare
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.errors import RobotError
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.loads import loads_of
from ddpg_ros.robot.posture import jacobian
from sim.world import World
from test.sim.test_sliding import GANTRY, SCARA

pytestmark = pytest.mark.bullet

ARM = """<robot name="{name}"><link name="base"/>
<link name="upper"><inertial><origin xyz="0.15 0 0"/><mass value="2"/>
  <inertia ixx="0.01" iyy="0.02" izz="0.02" ixy="0" ixz="0" iyz="0"/></inertial></link>
<link name="fore"><inertial><origin xyz="0.1 0 0"/><mass value="1"/>
  <inertia ixx="0.005" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial>
  <visual><geometry><box size="0.1 0.1 0.1"/></geometry></visual></link>
<link name="shell"><visual><geometry><sphere radius="0.05"/></geometry></visual></link>
<link name="tip"/>
<joint name="shoulder" type="revolute"><parent link="base"/><child link="upper"/>
  <origin xyz="0 0 0.4"/><axis xyz="0 1 0"/><limit {shoulder} lower="-2" upper="2"/></joint>
<joint name="elbow" type="revolute"><parent link="upper"/><child link="fore"/>
  <origin xyz="0.3 0 0"/><axis xyz="0 1 0"/><limit {elbow} lower="0.5" upper="2.5"/></joint>
<joint name="cover" type="fixed"><parent link="fore"/><child link="shell"/></joint>
<joint name="end" type="fixed"><parent link="fore"/><child link="tip"/><origin xyz="0.2 0 0"/>
</joint></robot>"""
GOOD = 'effort="40" velocity="3"'


@pytest.fixture
def run(ddpg_ros, monkeypatch, tmp_path):
    """Runs `ddpg-ros robot` in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ddpg_ros.cli.robot._RENDERED", (240, 180))  # a picture takes seconds
    return lambda *arguments: ddpg_ros("robot", *arguments)


@pytest.fixture
def shown(run, tmp_path):
    """Returns what the verb prints of an arm."""

    def show(urdf, *options):
        (tmp_path / "arm.urdf").write_text(urdf)
        ended = run("arm.urdf", *options)
        assert ended.code == 0, ended.errors
        return ended.out

    return show


def arm(shoulder: str = GOOD, elbow: str = GOOD) -> str:
    return ARM.format(name="arm", shoulder=shoulder, elbow=elbow)


def test_it_prints_the_arm_with_its_weight_draws_it_and_says_what_is_assumed(shown, tmp_path):
    said = shown(arm())
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[2].startswith("shoulder revolute -2 to 2 rad 1.5 of 3 rad/s ")
    assert lines[3].startswith("elbow revolute 0.5 to 2.5 rad 1.5 of 3 rad/s ")
    assert " 3 kg " in lines[2] and " 1 kg " in lines[3]
    assert "links that move and have a shape and no mass: shell" in said
    assert "frames without mass that weigh nothing, as the URDF standard says: tip" in said
    assert "0 is outside the limits of elbow" in said
    with Image.open(tmp_path / "arm.png") as picture:
        assert len(picture.convert("RGB").getcolors(99_999)) > 5
    assert "next: ddpg-ros train --config arm.yaml" in said


def test_what_it_writes_is_a_configuration_that_holds_together(shown, tmp_path):
    shown(arm(), "--tip", "tip", "--out", "here/mine.yaml")
    config = load_config(tmp_path / "here" / "mine.yaml")
    robot, _, guard = build_arm(config)
    assert config.robot.urdf == str(tmp_path / "arm.urdf")
    assert config.robot.gravity == "model"
    assert robot.joints == ("shoulder", "elbow") and robot.tip == "tip"
    start = np.array(config.sim.start_position)
    assert ((robot.lower < start) & (start < robot.upper)).all()
    mass = MassMatrix(robot)
    assert (np.abs(mass.weight(start)) < guard.limits.torque).all()
    assert (loads_of(robot, mass).gravity < guard.limits.torque).all()
    assert np.linalg.svd(jacobian(robot, start), compute_uv=False)[1] > 0.05  # not stretched out
    assert config.task.tolerance == pytest.approx(0.05 * 0.5, rel=0.4)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("", "no effort is stated for shoulder."),
        ('effort="0" velocity="0"', "no effort is stated for shoulder."),
        ('effort="5000" velocity="1000"', "the effort of shoulder is many times what the arm nee"),
        ('effort="3" velocity="3"', "to carry the arm, and the file gives it 3: it cannot be eve"),
    ],
)
def test_placeholders_and_weak_motors_are_said_and_the_settings_hold_all_the_same(
    shown, tmp_path, limit, said
):
    printed = shown(arm(shoulder=limit))
    assert said in printed
    config = load_config(tmp_path / "arm.yaml")
    robot, _, guard = build_arm(config)
    assert guard.limits.torque[0] < 100.0
    assert guard.limits.velocity.tolist() == [1.5, 1.5]
    with World(robot, config.sim) as world:
        world.step(guard.limits.torque, 100)
        assert np.isfinite(world.state(0).position).all()


@pytest.mark.parametrize("urdf", [GANTRY, SCARA], ids=["gantry", "scara"])
def test_arms_that_slide_are_shown_in_metres_and_newtons(shown, tmp_path, urdf):
    said = " ".join(shown(urdf).split())
    assert "prismatic -0.15 to 0 m 0.5 of 0.8 m/s" in said or "-1 to 1 m 0.5 of 1 m/s" in said
    _, _, guard = build_arm(load_config(tmp_path / "arm.yaml"))
    assert math.isfinite(guard.limits.soft_lower[-1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.urdf",), "there is no URDF 'gone.urdf'"),
        (("arm.urdf", "--tip", "tipp"), "did you mean 'tip'?"),
        (("arm.urdf", "--joints", "shoulder,elbw"), "did you mean 'elbow'?"),
        (("arm.urdf", "--tip", "upper"), "stays where it is, whatever its joints do"),
        (("arm.urdf", "a:=1"), "is a URDF and takes no arguments"),
        (("notes.txt",), "is not XML"),
        (("nameless.urdf",), "has a joint without a name; name it."),
    ],
    ids=["no file", "no tip", "no joint", "still", "arguments", "no URDF", "no name"],
)
def test_what_cannot_be_is_one_sentence_and_nothing_is_written(run, tmp_path, arguments, said):
    (tmp_path / "arm.urdf").write_text(arm())
    (tmp_path / "notes.txt").write_text("no URDF")
    (tmp_path / "nameless.urdf").write_text(arm().replace('joint name="elbow"', 'joint name=""'))
    before = sorted(file.name for file in tmp_path.iterdir())
    assert said in run(*arguments).sentence
    assert sorted(file.name for file in tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["arm.png", "arm.yaml"])
def test_neither_a_yaml_nor_a_picture_that_is_there_is_replaced(run, tmp_path, name):
    (tmp_path / "arm.urdf").write_text(arm())
    (tmp_path / name).write_text("mine")
    assert run("arm.urdf").sentence.startswith(f"ddpg-ros: {name} is there already; ")
    assert (tmp_path / name).read_text() == "mine"


def test_settings_go_into_a_yaml_alone(run, tmp_path):
    (tmp_path / "arm.urdf").write_text(arm())
    for out in ("arm.urdf", "arm.png"):
        said = run("arm.urdf", "--out", out, "--overwrite").sentence
        assert said == f"ddpg-ros: --out is {out}; expected a name that ends in .yaml."
    assert (tmp_path / "arm.urdf").read_text() == arm()


def test_an_arm_that_its_motors_hold_nowhere_is_refused_and_leaves_nothing_behind(run, tmp_path):
    heavy = arm().replace('mass value="1"', 'mass value="1e6"')
    (tmp_path / "arm.urdf").write_text(heavy)
    ended = run("arm.urdf")
    assert ended.code == 2 and "elbow moves 1e+06 kg and needs" in ended.errors
    assert os.listdir(tmp_path) == ["arm.urdf"]


def test_what_is_refused_when_it_is_tried_out_leaves_nothing_behind(run, tmp_path, monkeypatch):
    def diverges(config, picture):
        picture.touch()
        raise RobotError("it diverges")

    monkeypatch.setattr("ddpg_ros.cli.robot._try_out", diverges)
    (tmp_path / "arm.urdf").write_text(arm())
    ended = run("arm.urdf")
    assert ended.code == 2 and "it diverges" in ended.errors
    assert os.listdir(tmp_path) == ["arm.urdf"]


@pytest.mark.parametrize("out", ["a" * 300 + ".yaml", "notes.txt/arm.yaml"])
def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing_behind(run, tmp_path, out):
    (tmp_path / "arm.urdf").write_text(arm())
    (tmp_path / "notes.txt").write_text("mine")
    ended = run("arm.urdf", "--out", out)
    assert ended.code == 2 and f"{out} and its picture cannot be written (" in ended.errors
    assert sorted(os.listdir(tmp_path)) == ["arm.urdf", "notes.txt"]


@pytest.mark.parametrize("joint", ["a, b", "a[0]", "${x}", "two words", "j: {", "a\u00e4"])
def test_a_name_of_any_characters_and_a_long_path_are_written_as_they_are(run, tmp_path, joint):
    folder = tmp_path / "a folder with a rather long name" / "and another one within it" / "here"
    folder.mkdir(parents=True)
    file = folder / "my arm of two links.urdf"
    file.write_text(arm().replace('"elbow"', f'"{joint}"'), encoding="utf-8")
    assert run(str(file), "--out", "arm.yaml").code == 0
    section = load_config(tmp_path / "arm.yaml").robot
    assert (section.joints, section.urdf) == (["shoulder", joint], str(file))


def test_a_file_without_efforts_and_velocities_passes_every_check_of_a_training(
    shown, tmp_path, ros_domain
):
    shown(arm(shoulder="", elbow=""))
    with ExitStack() as held:
        settings = load_config(tmp_path / "arm.yaml")
        run = prepare(settings, tmp_path / "run", "", f"/n{os.getpid()}", held, Console())
    assert run.config.robot.torque_limit == settings.robot.torque_limit


def test_a_yaml_that_is_there_is_not_replaced(run, tmp_path):
    (tmp_path / "arm.urdf").write_text(arm())
    (tmp_path / "arm.yaml").write_text("mine")
    sentence = run("arm.urdf").sentence
    assert "is there already; give another file with --out, or --overwrite" in sentence
    assert (tmp_path / "arm.yaml").read_text() == "mine"
