"""Real files with a slip in them load right or are refused in a sentence, and end no process."""

import os
import signal
import traceback
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

pytest.importorskip("pybullet")

from ddpg_ros.config.sections import SimSection
from ddpg_ros.errors import DdpgRosError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.loads import loads_of
from ddpg_ros.robot.oddities import assumptions, oddities
from sim.world import World
from test.robot.mutations import mutated

pytestmark = [pytest.mark.bullet, pytest.mark.slow]


def use(file) -> str:
    """Load an arm and simulate it for a moment; returns what was refused, or what went wrong."""
    try:
        robot = Robot.load(str(file), efforts=np.inf, velocities=np.inf)
        mass = MassMatrix(robot)
        said = [*oddities(robot, loads_of(robot, mass), []), *assumptions(robot)]
        with World(robot, SimSection()) as world:
            for _ in range(5):
                world.step(np.zeros(len(robot.joints)), 4)
            state, said = world.state(0), [*said, *world.notes]
        numbers = (state.position, state.velocity, mass.weight(state.position))
        return "" if all(np.isfinite(own).all() for own in numbers) else "bug: not finite"
    except DdpgRosError as error:
        return f"refused: {error}"
    except BaseException:
        return f"bug: {traceback.format_exc()}"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(mutated())
def test_a_file_with_a_slip_loads_right_or_is_refused_in_a_sentence(tmp_path, drawn):
    original, _, text = drawn
    file = tmp_path / "arm.urdf"
    file.write_bytes(text)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fork beside the threads of a library
        child = os.fork()  # PyBullet ends the whole process for what it does not expect
    if not child:
        signal.alarm(60)
        os.environ["ROS_PACKAGE_PATH"] = str(original.parent)
        os.write(writing, use(file).encode()[:4096])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the process ended with {status}"
    assert not said.startswith("bug"), said
    if said.startswith("refused"):
        assert said.endswith((".", "?")) and "\n" not in said and len(said) < 2000
