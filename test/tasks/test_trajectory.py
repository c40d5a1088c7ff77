"""Trajectories of the joints: what is between two points, and what they reach on the way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.tasks.trajectory import Trajectory, smooth


def array(*rows):
    return np.array(rows, dtype=np.float64)


@st.composite
def trajectories(draw):
    """Return a trajectory of 1 to 3 joints and 1 to 6 points."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points, joints = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    times = draw(st.sampled_from([0.0, 0.7])) + np.cumsum(rng.uniform(0.01, 2.0, points))
    positions = rng.normal(0.0, 1.0, (points, joints))
    with_velocities = draw(st.booleans())
    return Trajectory(
        times, positions, rng.normal(0.0, 2.0, (points, joints)) if with_velocities else None
    )


def test_without_velocities_the_joints_go_straight_from_point_to_point():
    way = Trajectory(np.array([1.0, 3.0, 4.0]), array([0.0, 2.0], [1.0, 2.0], [0.0, 0.0]))
    assert way.duration == 4.0
    for time, position, velocity in [
        (0.0, [0.0, 2.0], [0.0, 0.0]),  # before
        (2.0, [0.5, 2.0], [0.5, 0.0]),
        (3.5, [0.5, 1.0], [-1.0, -2.0]),
        (4.0, [0.0, 0.0], [0.0, 0.0]),
        (9.0, [0.0, 0.0], [0.0, 0.0]),  # after
    ]:
        assert [part.tolist() for part in way.at(time)] == [position, velocity]


def test_with_velocities_it_is_the_cubic_that_has_them():
    # q(t) = t³ − 2 t + 1 from 0 to 2: q̇ = 3 t² − 2
    way = Trajectory(np.array([0.0, 2.0]), array([1.0], [5.0]), array([-2.0], [10.0]))
    for time in (0.0, 0.5, 1.3, 1.99):
        position, velocity = way.at(time)
        assert position[0] == pytest.approx(time**3 - 2 * time + 1)
        assert velocity[0] == pytest.approx(3 * time**2 - 2)
    lowest = np.sqrt(2 / 3)  # where q̇ = 0
    assert way.extremes().lower[0] == pytest.approx(lowest**3 - 2 * lowest + 1)
    assert way.extremes().upper[0] == pytest.approx(5.0)
    assert way.extremes().velocity[0] == pytest.approx(10.0)


@given(trajectories())
def test_the_extremes_are_those_that_sampling_finds(way):
    lower, upper, velocity = way.extremes()
    ends = zip(way.times[:-1], way.times[1:], strict=True)
    times = [*way.times, *(t for a, b in ends for t in np.linspace(a, b, 300, endpoint=False))]
    positions, velocities = (np.array(part) for part in zip(*map(way.at, times), strict=True))
    fastest = np.abs(velocities).max(axis=0)
    for bound, found in [
        (-lower, -positions.min(axis=0)),
        (upper, positions.max(axis=0)),
        (velocity, fastest),
    ]:
        assert (found <= bound + 1e-9 * (1.0 + np.abs(bound))).all()
    assert (velocity <= fastest + 0.03 * (0.1 + velocity)).all()  # it is reached at segments' ends
    assert (upper - positions.max(axis=0) <= 0.01 * (1.0 + np.ptp(positions, axis=0))).all()
    assert (positions.min(axis=0) - lower <= 0.01 * (1.0 + np.ptp(positions, axis=0))).all()


@given(trajectories(), st.integers(0, 2**32 - 1))
def test_the_joints_of_a_trajectory_can_be_picked_in_any_order(way, seed):
    order = np.random.default_rng(seed).permutation(way.positions.shape[1]).tolist()
    time = 0.4 * way.duration
    for picked, whole in zip(way.picked(order).at(time), way.at(time), strict=True):
        assert picked.tolist() == whole[order].tolist()


def test_a_trajectory_that_begins_later_gets_there_from_where_the_arm_is():
    way = Trajectory(np.array([2.0]), array([1.0])).after(np.array([0.0]))
    assert [way.at(time)[0][0] for time in (0.0, 1.0, 2.0)] == [0.0, 0.5, 1.0]


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(1, 3))
def test_a_smooth_way_never_leaves_its_points_nor_doubles_the_steepest_slope(seed, points, joints):
    rng = np.random.default_rng(seed)
    positions = rng.normal(0.0, 1.0, (points, joints))
    times = np.cumsum(rng.uniform(0.1, 2.0, points))
    way = smooth(times, positions)
    lower, upper, velocity = way.extremes()
    assert (lower >= positions.min(axis=0) - 1e-9).all()
    assert (upper <= positions.max(axis=0) + 1e-9).all()
    steepest = np.abs(np.diff(positions, axis=0) / np.diff(times)[:, None]).max(axis=0)
    assert (velocity <= 2.0 * steepest + 1e-9).all()
    assert way.at(times[0])[1].tolist() == way.at(times[-1])[1].tolist() == [0.0] * joints
