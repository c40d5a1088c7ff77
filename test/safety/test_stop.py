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
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ddpg_ros.build import build_guard
from ddpg_ros.config.settings import Config
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.safety.braking import TURN, _closest
from ddpg_ros.safety.stages import Bounds
from test.dotted import dotted

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
        left = seconds
        while left > 1e-12:  # in steps in which no joint turns by more than 0.02 rad
            h = min(left, 0.004, 0.02 / max(1.0, float(np.abs(self.velocity).max())))
            self._step(h)
            left -= h
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
def drawn_arm(links, period, share, start, kind=Arm, **settings) -> Iterator[Arm]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "drawn.urdf"
        file.write_text(urdf_of(links))
        config = Config().with_parameters(
            {"robot.urdf": str(file), "control.period": period, "sim.physics_timestep": period}
            | dotted(**settings)
        )
        robot = Robot.load(str(file))
        size = len(robot.joints)
        low = np.where(np.isfinite(robot.lower), robot.lower, -np.pi)
        high = np.where(np.isfinite(robot.upper), robot.upper, np.pi)
        where = 0.5 * (low + high) + 0.5 * (high - low) * np.resize(start, size)
        yield kind(robot, config, where, robot.velocity_limit * np.resize(share, size))


unit = st.floats(-1.0, 1.0)
drawn = {
    "links": st.lists(link, min_size=1, max_size=7),
    "period": st.integers(1, 50).map(lambda milliseconds: milliseconds / 1000),
    "share": st.lists(unit, min_size=1, max_size=7),
    "start": st.lists(unit, min_size=1, max_size=7),
}


def bar(axis, effort, turn=(0.0, 0.0, 0.0)):
    straight = {"length": 1.0, "mass": 1.0, "slender": 0.05, "com": (0.0, 0.0, 0.0)}
    return straight | {
        "axis": axis, "turn": turn, "effort": effort, "velocity": 1.0, "range": None
    }  # fmt: skip


HELD_BACK = {  # the torque rate holds the joints back by different shares
    "links": [
        bar("0 1 0", 41.43), bar("1 0 0", 1.0), bar("0 0 1", 43.93, (1.5708, 0.0, 0.0)),
        bar("1 0 0", 1.0),
    ],
    "period": 0.001,
    "share": [-0.12],
    "start": [0.0],
}  # fmt: skip
drawing = settings(
    deadline=None, max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck)
)


@drawing
@given(**drawn)
@example(**HELD_BACK)
def test_fault_52_a_stop_never_adds_energy_and_brings_every_arm_to_rest(
    links, period, share, start
):
    with drawn_arm(links, period, share, start) as arm:
        begun = most = arm.energy
        limits = arm.guard.limits
        # Linear: ten periods, and 3 / β. By the torque limits: momentum over torque, all in a row.
        # By the turns in a period: β is as much smaller until no joint turns by more than TURN.
        turns = max(0.0, period * float(np.abs(arm.velocity).max()) / TURN - 1.0)
        weak = float((arm.mass.heaviest * limits.velocity / limits.torque).sum())
        rest = 10 * period + (3.0 + turns) / arm.guard.brake_rate + 8.0 * weak
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


@settings(deadline=None)
@given(st.data())
def test_a_stop_within_any_ranges_around_zero_torque_takes_energy_out(data):
    size = data.draw(st.integers(1, 6))
    numbers = data.draw(st.lists(unit, min_size=size * size, max_size=size * size))
    root = np.reshape(numbers, (size, size))
    mass = root @ root.T + 0.01 * np.eye(size)
    velocity = np.array(data.draw(st.lists(unit, min_size=size, max_size=size)))
    ends = data.draw(st.lists(st.tuples(unit, unit), min_size=size, max_size=size))
    ranges = [Bounds(-abs(low), abs(high)) for low, high in ends]
    inverse = np.linalg.inv(mass)
    wanted = (-2.0 * mass @ velocity).tolist()
    torque = _closest(inverse.tolist(), (2.0 * velocity).tolist(), wanted, ranges)
    assert all(low <= one <= high for one, (low, high) in zip(torque, ranges, strict=True))
    taken = -2.0 * float(velocity @ torque)
    assert taken >= 0.5 * float(torque @ inverse @ torque) - 1e-9


def test_a_stop_is_weaker_in_proportion_if_a_joint_turns_far_in_a_period():
    robot = Robot.load("reacher2")
    config = Config().with_parameters({"control.period": 0.04})
    mass, position = MassMatrix(robot).at(np.array([0.3, 1.0])), np.array([0.3, 1.0])
    for fastest, share in ((0.5, 1.0), (2.5, 1.0), (5.0, 0.5)):  # 0.02, 0.1 and 0.2 rad
        _, guard = build_guard(config)
        velocity = np.array([-0.1, fastest])
        wanted = -share * guard.brake_rate * mass @ velocity
        assert (np.abs(wanted) < 1.0).all()  # no limit is in the way
        assert guard.damp(position, velocity, 0.04) == pytest.approx(wanted, rel=1e-4)
