"""The guard from Python, around a controller of any kind."""

import numpy as np
import pytest

import ddpg_ros
from ddpg_ros.errors import ConfigError

PERIOD = 0.002  # [s]
INSIDE = np.array([0.0, 1.4])  # [rad], far from the soft limits


@pytest.fixture(scope="module")
def robot():
    return ddpg_ros.Robot.load("reacher2")


def test_a_torque_is_brought_within_limit_and_rate(robot):
    guard = ddpg_ros.Guard.for_robot(robot, period=PERIOD)
    wanted = np.array([90.0, -90.0])
    sent = [guard.apply(wanted, INSIDE, np.zeros(2), PERIOD) for _ in range(20)]
    assert sent[0].tolist() == [0.5, -0.5]  # 250 N·m/s for 2 ms
    assert np.abs(sent[-1]).max() <= robot.effort_limit.max()


def test_settings_change_what_the_urdf_says(robot):
    limit = {"robot.torque_limit": [0.25, 0.25]}
    guard = ddpg_ros.Guard.for_robot(robot, period=PERIOD, settings=limit)
    sent = guard.apply(np.array([9.0, -9.0]), INSIDE, np.zeros(2), PERIOD)
    assert sent.tolist() == [0.25, -0.25]


@pytest.mark.parametrize(
    ("period", "settings", "said"),
    [
        (-1.0, {}, r"Guard.for_robot: control.period is -1.0; input should be greater than or "),
        (PERIOD, {"torque_limit": [1.0]}, r"no setting 'torque_limit'; .*'robot.torque_limit'\?"),
        (PERIOD, {"robot.torque_limit": [9.0, 9.0]}, "at most the URDF's effort"),
    ],
)
def test_what_cannot_be_is_refused(robot, period, settings, said):
    with pytest.raises(ConfigError, match=said):
        ddpg_ros.Guard.for_robot(robot, period=period, settings=settings)
