"""What stands against arming: each refusal names the joint, and its own units."""

import re
from dataclasses import replace

import numpy as np
import pytest

from ddpg_ros.errors import RefusedError
from ddpg_ros.robot.units import SLIDES, TURNS
from ddpg_ros.safety.arming import require_carried, require_inside, require_rest
from test.limits import make_limits

SPAN = {"lower": (-1.0, 0.0), "upper": (1.0, 0.5)}
SOFT = {"soft_lower": (-0.9, 0.1), "soft_upper": (0.9, 0.4)}
MIXED = replace(make_limits(torque=(5.0, 40.0), **SPAN, **SOFT), units=(TURNS, SLIDES))


def refusal(require, *arguments):
    with pytest.raises(RefusedError) as refused:
        require(*arguments)
    return str(refused.value)


@pytest.mark.parametrize(
    ("velocity", "said"),
    [
        ((-0.6, 0.2), "joint shoulder moves at 0.6 rad/s; at most 0.05 rad/s"),
        ((0.1, -0.2), "joint elbow moves at 0.2 m/s; at most 0.05 m/s"),
    ],
)
def test_the_fastest_joint_is_named_with_the_unit_of_its_velocity(velocity, said):
    assert said in refusal(require_rest, np.array(velocity), MIXED, 0.05)
    require_rest(np.array(velocity), MIXED, 0.7)


def test_a_joint_outside_its_limits_is_named_with_the_unit_of_its_position():
    said = refusal(require_inside, np.array([0.0, 0.6]), MIXED, False)
    assert said.startswith("joint elbow is at 0.6 m, outside its hard limits of 0 to 0.5 m;")


def test_a_joint_that_is_too_weak_is_named_with_the_unit_of_its_effort():
    said = refusal(require_carried, np.array([0.0, -49.05]), MIXED)
    assert said.startswith("joint elbow needs 49.05 N to hold the arm here")
    assert re.search(r"torque limit is 40 N; move", said)
    said = refusal(require_carried, np.array([6.0, 0.0]), MIXED)
    assert "needs 6 N·m to hold the arm here, and its torque limit is 5 N·m;" in said
