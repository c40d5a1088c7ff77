"""Links that pass through each other: kept apart, unless they touch at the start."""

import numpy as np
import pytest

pytest.importorskip("pybullet")

from ddpg_ros.config.sections import SimSection
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from sim.world import World

pytestmark = pytest.mark.bullet

BODY = (
    '<inertial><origin xyz="{0} 0 0"/><mass value="1"/><inertia ixx="0.01" iyy="0.01" izz="0.01" '
    'ixy="0" ixz="0" iyz="0"/></inertial>'
)
BOX = (
    '<collision><origin xyz="{0} 0 0"/><geometry><box size="{1} 0.06 0.06"/></geometry>'
    "</collision>"
)


def chain(folder, gap=0.0):
    """Three bars of 0.3 m in a plane; the shapes end `gap` short of their joints."""
    links, joints, below = ['<link name="base"/>'], [], "base"
    for number in range(3):
        name = f"bar{number}"
        shape = BOX.format(0.15, 0.3 - 2 * gap)
        links.append(f'<link name="{name}">{BODY.format(0.15)}{shape}</link>')
        place = "0.3 0 0" if number else "0 0 0"
        joints.append(
            f'<joint name="j{number}" type="revolute"><parent link="{below}"/>'
            f'<child link="{name}"/><origin xyz="{place}"/><axis xyz="0 0 1"/>'
            '<limit effort="20" velocity="20" lower="-3" upper="3"/></joint>'
        )
        below = name
    file = folder / f"bars{gap}.urdf"
    file.write_text(f'<robot name="bars">{"".join(links + joints)}</robot>')
    return Robot.load(str(file))


FOLDED = np.array([0.0, 2.5, 2.5])  # the third bar lies across the first
SPREAD = np.array([0.0, 0.5, 0.5])


def settings(start=SPREAD, **changes):
    own = {"gravity": 0.0, "start_position": start.tolist(), "start_position_spread": 0.0}
    return SimSection(**(own | changes))


def test_a_folded_arm_touches_itself_and_a_spread_one_does_not(tmp_path):
    with World(chain(tmp_path, 0.02), settings()) as world:
        assert world.touches_itself(FOLDED)
        assert not world.touches_itself(SPREAD)
        assert world.passing == []


def push(world, start):
    """Fold the third bar onto the first for 2 s, the others held; return its joint's angle."""
    world.reset(np.random.default_rng(0))
    for _ in range(200):
        state = world.state(0)
        torque = 100.0 * (start - state.position) - 5.0 * state.velocity
        torque[2] = 1.0 - 0.2 * state.velocity[2]
        world.step(torque, 1)
    return world.state(0).position[2]


def test_a_link_stops_at_another_and_passes_through_it_without_self_collision(tmp_path):
    robot, start = chain(tmp_path, 0.02), np.array([0.0, 2.5, 1.2])
    with World(robot, settings(start)) as world:
        assert push(world, start) < 2.1
        assert world.touches_itself(FOLDED)
    with World(robot, settings(start, self_collision=False)) as world:
        assert push(world, start) > 2.8
        assert not world.touches_itself(FOLDED)


def test_joined_links_overlap_at_their_joint_without_effect(tmp_path):
    robot = chain(tmp_path)  # the boxes overlap at the joints as the arm bends
    with World(robot, settings()) as apart, World(robot, settings(self_collision=False)) as free:
        for world in (apart, free):
            world.reset(np.random.default_rng(0))
            for _ in range(50):
                world.step(np.array([0.1, -0.2, 0.1]), 1)
        assert apart.state(0).position.tolist() == free.state(0).position.tolist()


def test_a_pair_that_touches_at_the_start_passes_through_and_is_named(tmp_path):
    with World(chain(tmp_path, 0.02), settings(FOLDED)) as world:
        assert world.passing == ["bar0 and bar2"]
        assert not world.touches_itself(FOLDED)
        world.step(np.zeros(3), 100)
        assert np.abs(world.state(0).velocity).max() < 1e-6


def test_no_episode_starts_folded(tmp_path):
    robot = chain(tmp_path, 0.02)
    with World(robot, settings(start_position_spread=3.0)) as world:
        for seed in range(60):
            world.reset(np.random.default_rng(seed))
            assert not world.touches_itself(world.state(0).position)
        drawn = np.random.default_rng(0).uniform(-2.9, 2.9, (60, 3))
        folded = sum(world.touches_itself(position) for position in drawn)
        assert folded > 3  # without the choice, some of as many would be


def test_starts_that_are_all_folded_are_refused(tmp_path, monkeypatch):
    with World(chain(tmp_path, 0.02), settings()) as world:
        monkeypatch.setattr(world._collisions, "touches", lambda: True)
        with pytest.raises(ConfigError, match=r"bars touches itself at each of 100 start pos"):
            world.reset(np.random.default_rng(0))
