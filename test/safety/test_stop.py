"""An emergency stop takes energy out of every arm, at every period and from every start.

The arms are drawn: their links, joints and limits. They are moved by pinocchio's forward dynamics,
without gravity and friction, and hear each torque one control period late.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pinocchio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ddpg_ros.build import build_guard
from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix

SLOW = 0.05  # of the speed at the beginning
ROUNDING = 1.0 + 1e-4  # of the integration, too


def decades(low: float, high: float):
    return st.floats(math.log10(low), math.log10(high)).map(lambda power: 10.0**power)


link = st.fixed_dictionaries(
    {
        "length": decades(0.03, 1.0),  # [m]
        "mass": decades(0.1, 10.0),  # [kg]
        "slender": decades(0.05, 0.5),  # radius over length
        "com": st.tuples(*[st.floats(-0.5, 0.5)] * 3),  # of the length
        "axis": st.sampled_from(["1 0 0", "0 1 0", "0 0 1", "0 0.6 0.8"]),
        "turn": st.tuples(*[st.sampled_from([0.0, 0.7, 1.5708])] * 3),
        "effort": decades(1.0, 100.0),  # [N·m]
        "velocity": decades(0.5, 8.0),  # [rad/s]
        "range": st.one_of(st.none(), st.floats(0.5, 3.0)),  # [rad]
    }
)


def urdf_of(links) -> str:
    parts = ['<link name="l0"/>']
    for index, one in enumerate(links):
        length, mass = one["length"], one["mass"]
        radius = length * one["slender"]
        along, across = mass * radius**2 / 2, mass * (length**2 / 12 + radius**2 / 4)
        com = " ".join(str(share * length) for share in one["com"])
        ends = "" if one["range"] is None else f'lower="{-one["range"]}" upper="{one["range"]}"'
        parts.append(
            f'<joint name="j{index}" type="{"revolute" if ends else "continuous"}">'
            f'<parent link="l{index}"/><child link="l{index + 1}"/>'
            f'<origin xyz="{length} 0 0" rpy="{" ".join(map(str, one["turn"]))}"/>'
            f'<axis xyz="{one["axis"]}"/>'
            f'<limit effort="{one["effort"]}" velocity="{one["velocity"]}" {ends}/></joint>'
            f'<link name="l{index + 1}"><inertial><origin xyz="{com}"/><mass value="{mass}"/>'
            f'<inertia ixx="{along}" iyy="{across}" izz="{across}" ixy="0" ixz="0" iyz="0"/>'
            "</inertial></link>"
        )
    return f'<robot name="drawn">{"".join(parts)}</robot>'


class Arm:
    """A drawn arm, its guard and its motion."""

    def __init__(self, robot: Robot, config: Config, position, velocity) -> None:
        self.period = config.control.period
        self.robot, self.guard = build_guard(config)
        self.mass = MassMatrix(robot)
        model = self.mass.model
        model.gravity.linear = np.zeros(3)
        self._model, self._data = model, model.createData()
        self.position, self.velocity = position, velocity
        self.torque = np.zeros(len(position))  # in force
        self.sent = []

    @property
    def energy(self) -> float:
        return 0.5 * float(self.velocity @ self.mass.at(self.position) @ self.velocity)

    def stop_for(self, seconds: float) -> None:
        """Stop for an interval; the torque that is in force meanwhile is the one before."""
        next_torque = self.guard.damp(self.position, self.velocity, seconds)
        steps = max(6, math.ceil(seconds / 0.004))
        h = seconds / steps
        for _ in range(steps):
            self._step(h)
        self.torque = next_torque
        self.sent.append(next_torque)

    def _step(self, h: float) -> None:  # Runge-Kutta's
        def gain(q, v):
            return pinocchio.aba(self._model, self._data, q, v, self.torque)

        q, v = self.position, self.velocity
        a = gain(q, v)
        b = gain(q + h / 2 * v, v + h / 2 * a)
        c = gain(q + h / 2 * v + h * h / 4 * a, v + h / 2 * b)
        d = gain(q + h * v + h * h / 2 * b, v + h * c)
        self.position = q + h * v + h * h / 6 * (a + b + c)
        self.velocity = v + h / 6 * (a + 2 * b + 2 * c + d)


@contextmanager
def drawn_arm(links, period, share, start) -> Iterator[Arm]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "drawn.urdf"
        file.write_text(urdf_of(links))
        config = Config().with_parameters(
            {"robot.urdf": str(file), "control.period": period, "sim.physics_timestep": period}
        )
        robot = Robot.load(str(file))
        size = len(robot.joints)
        low = np.where(np.isfinite(robot.lower), robot.lower, -np.pi)
        high = np.where(np.isfinite(robot.upper), robot.upper, np.pi)
        where = 0.5 * (low + high) + 0.5 * (high - low) * np.resize(start, size)
        yield Arm(robot, config, where, robot.velocity_limit * np.resize(share, size))


unit = st.floats(-1.0, 1.0)
drawn = {
    "links": st.lists(link, min_size=1, max_size=7),
    "period": st.integers(1, 50).map(lambda milliseconds: milliseconds / 1000),
    "share": st.lists(unit, min_size=1, max_size=7),
    "start": st.lists(unit, min_size=1, max_size=7),
}
drawing = settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))


@drawing
@given(**drawn)
def test_fault_52_a_stop_never_adds_energy_and_brings_every_arm_to_rest(
    links, period, share, start
):
    with drawn_arm(links, period, share, start) as arm:
        begun = most = arm.energy
        limits = arm.guard.limits
        # Linear: ten periods, and 3 / β. By the torque limits: momentum over torque, all in a row.
        weak = float((arm.mass.heaviest * limits.velocity / limits.torque).sum())
        rest = 10 * period + 3.0 / arm.guard.brake_rate + 8.0 * weak
        intervals = min(math.ceil(rest / period), 250)
        for _ in range(intervals):
            arm.stop_for(period)
            most = max(most, arm.energy)
            if arm.energy < 1e-6 * begun:
                break
        assert most <= begun * ROUNDING + 1e-12
        if intervals < 250:
            assert arm.energy <= SLOW**2 * begun + 1e-12
        assert longest_alternation(arm) <= 3


@drawing
@given(**drawn, late=st.lists(st.sampled_from([0.5, 1.0, 1.0, 2.0, 3.0]), min_size=1))
def test_a_stop_never_adds_energy_though_states_come_as_late_as_the_watchdog_allows(
    links, period, share, start, late
):
    with drawn_arm(links, period, share, start) as arm:
        begun = most = arm.energy
        for index in range(40):
            arm.stop_for(period * late[index % len(late)])
            most = max(most, arm.energy)
        assert most <= begun * ROUNDING + 1e-12


def longest_alternation(arm: Arm) -> int:
    """Return how often in a row a torque that can be felt changed its sign."""
    felt = np.array(arm.sent)
    signs = np.sign(felt) * (np.abs(felt) > 1e-3 * arm.guard.limits.torque)
    longest = np.zeros(signs.shape[1])
    run = np.zeros(signs.shape[1])
    for before, after in pairwise(signs):
        run = np.where(before * after < 0.0, run + 1, 0)
        longest = np.maximum(longest, run)
    return int(longest.max())


@pytest.mark.parametrize("arm", ["reacher2", "pendulum", "kuka_iiwa/model.urdf"])
@pytest.mark.parametrize("period", [0.001, 0.01, 0.04])
def test_arms_that_people_have_stop_within_their_time(arm, period):
    if "/" in arm:
        pytest.importorskip("pybullet_data")
    config = Config().with_parameters(
        {
            "robot.urdf": arm,
            "robot.torque_limit": None if "/" not in arm else [100.0] * 7,
            "control.period": period,
            "sim.physics_timestep": period,
        }
    )
    robot = Robot.load(arm)
    size = len(robot.joints)
    begin = np.clip(np.zeros(size), robot.lower, robot.upper)
    moving = Arm(robot, config, begin, np.full(size, 0.1))
    begun = moving.energy
    for _ in range(math.ceil(moving.guard.stop_seconds / period)):
        moving.stop_for(period)
    assert moving.energy <= SLOW**2 * begun
