"""Which joint states are believed."""

import math

import numpy as np
import pytest

from ddpg_ros.control.admission import Admission, Arrival
from ddpg_ros.errors import JointStateError
from ddpg_ros.types import JointState

MS = 1_000_000  # [ns]
FASTEST = np.array([6.0, 3.0])  # [rad/s]


class Arm:
    """Sends states 10 ms apart, by both clocks."""

    def __init__(self, paced=True, lower=(-2.0, -2.0)):
        self.admission = Admission(("shoulder", "elbow"), FASTEST, np.array(lower), paced)
        self.stamp, self.now = 1_000 * MS, 50.0
        self.position = [0.0, 0.0]

    def send(self, stamp=None, position=None, velocity=(0.0, 0.0), after=0.01):
        self.now += after
        self.stamp = self.stamp + 10 * MS if stamp is None else stamp
        self.position = self.position if position is None else position
        state = JointState(self.stamp, np.array(self.position), np.array(velocity))
        return self.admission.look(state, self.now)


@pytest.fixture
def arm():
    arm = Arm()
    assert arm.send() is Arrival.NEW
    return arm


def test_states_in_order_are_new(arm):
    assert [arm.send() for _ in range(5)] == [Arrival.NEW] * 5
    assert arm.admission.out_of_time == 0


def test_the_same_stamp_again_is_repeated(arm):
    assert arm.send(stamp=arm.stamp) is Arrival.REPEATED
    assert arm.send() is Arrival.NEW


def test_a_zero_stamp_is_refused(arm):
    with pytest.raises(JointStateError, match="stamp is zero; the driver must stamp"):
        arm.send(stamp=0)


def test_an_older_state_is_dropped_and_counted(arm):
    newest = arm.stamp
    assert arm.send(stamp=newest - 5 * MS) is Arrival.OUT_OF_TIME
    assert arm.send(stamp=newest + 10 * MS) is Arrival.NEW
    assert arm.admission.out_of_time == 1


def test_a_state_from_the_future_is_dropped_and_the_next_is_believed(arm):
    newest = arm.stamp
    assert arm.send(stamp=newest + 3_600_000 * MS) is Arrival.OUT_OF_TIME
    assert arm.send(stamp=newest + 20 * MS) is Arrival.NEW


def test_stamps_may_run_ahead_as_far_as_time_has_passed_and_a_second(arm):
    newest = arm.stamp
    assert arm.send(stamp=newest + 1_900 * MS, after=1.0) is Arrival.NEW
    assert arm.send(stamp=arm.stamp + 2_100 * MS, after=1.0) is Arrival.OUT_OF_TIME


@pytest.mark.parametrize("jump", [-3_600_000, 3_600_000])
def test_the_third_state_in_a_row_of_another_time_is_the_clock_having_jumped(jump):
    arm = Arm()
    arm.stamp += 4_000_000 * MS
    arm.send()
    arm.stamp += jump * MS
    assert arm.send() is Arrival.OUT_OF_TIME
    assert arm.send() is Arrival.OUT_OF_TIME
    assert arm.send() is Arrival.CLOCK_JUMPED
    assert arm.send() is Arrival.NEW


def test_strays_that_do_not_follow_each_other_are_no_other_clock():
    arm = Arm()
    arm.stamp += 4_000_000 * MS
    arm.send()
    for back in (1_000, 5_000, 3_000_000, 9_000, 3_000_001):  # from another sender each
        assert arm.send(stamp=4_001_000 * MS - back * MS) is Arrival.OUT_OF_TIME


def test_strays_are_counted_in_a_row(arm):
    newest = arm.stamp
    for count in range(1, 6):
        assert arm.send(stamp=newest - MS) is Arrival.OUT_OF_TIME
        newest += 10 * MS
        assert arm.send(stamp=newest) is Arrival.NEW
        assert arm.admission.out_of_time == count


def test_in_lock_step_stamps_may_run_as_fast_as_they_like():
    arm = Arm(paced=False)
    arm.send()
    assert arm.send(stamp=arm.stamp + 3_600_000 * MS, after=0.0) is Arrival.NEW
    assert arm.send(stamp=arm.stamp - 10 * MS) is Arrival.OUT_OF_TIME


def test_a_jump_faster_than_twice_the_velocity_limit_is_refused_and_the_old_place_believed(arm):
    # 2 × 3 rad/s for 10 ms, and 0.05 rad: 0.11 rad
    assert arm.send(position=[0.0, 0.1099]) is Arrival.NEW
    with pytest.raises(JointStateError, match=r"joint 'elbow' jumped by 0\.1101 rad in 0\.01 s"):
        arm.send(position=[0.0, 0.22])
    assert arm.send(position=[0.0, 0.11]) is Arrival.NEW


def test_an_impossible_velocity_is_refused(arm):
    assert arm.send(velocity=(-12.0, 6.0)) is Arrival.NEW
    with pytest.raises(JointStateError, match=r"joint 'shoulder' at 12\.1 rad/s"):
        arm.send(velocity=(12.1, 0.0))


def test_any_first_position_is_believed_and_any_after_a_placement(arm):
    arm.admission.forget()
    assert arm.send(position=[1.9, -1.9]) is Arrival.NEW
    with pytest.raises(JointStateError, match="jumped"):
        arm.send(position=[0.0, 0.0])


def test_a_joint_that_turns_freely_may_wrap_its_angle():
    arm = Arm(lower=(-math.inf, -2.0))
    arm.send(position=[math.pi - 0.01, 0.0])
    assert arm.send(position=[-math.pi + 0.01, 0.0]) is Arrival.NEW
    with pytest.raises(JointStateError, match="jumped"):
        arm.send(position=[0.0, 0.0])
