"""Which joint states are believed."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ddpg_ros.errors import DisplacedError, JointStateError
from ddpg_ros.safety.admission import Admission, Arrival
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


# a jump of the clock


def jump(arm, seconds, position, every=0.005):
    """Send three states of another clock, the arm elsewhere; return what is made of the third."""
    arm.stamp += round(1e9 * seconds)
    for _ in range(2):
        arm.stamp += 5 * MS
        assert arm.send(stamp=arm.stamp, position=position, after=every) is Arrival.OUT_OF_TIME
    arm.stamp += 5 * MS
    return arm.send(stamp=arm.stamp, position=position, after=every)


def judged(arm, *state, **how):
    """Return what is made of a state: an arrival, or the sentence that refuses it."""
    try:
        return arm.send(*state, **how)
    except JointStateError as error:
        return str(error)


def long_running(**how):
    arm = Arm(**how)
    arm.stamp += 60_000 * MS
    for _ in range(5):
        arm.send(position=[1.4, 1.0])
    return arm


@pytest.mark.parametrize("seconds", [-10.0, -0.5, 10.0])
def test_fault_59_a_jump_of_the_clock_excuses_no_jump_of_the_arm(seconds):
    arm = long_running()
    said = r"joint 'shoulder' from 1\.4 to 2\.3 rad within 0\.005 s"
    with pytest.raises(DisplacedError, match=said):
        jump(arm, seconds, [2.3, 1.0])


@pytest.mark.parametrize("seconds", [-10.0, 10.0])
def test_fault_59_a_jump_of_the_clock_is_believed_of_an_arm_that_can_have_come_there(seconds):
    # 2 × 6 rad/s for 5 ms, and 0.05 rad: 0.11 rad
    assert jump(long_running(), seconds, [1.5099, 1.0]) is Arrival.CLOCK_JUMPED
    with pytest.raises(DisplacedError):
        jump(long_running(), seconds, [1.5101, 1.0])


def test_fault_59_a_clock_that_is_ahead_by_less_than_a_second_excuses_no_jump_either():
    arm = long_running()
    ahead = arm.stamp + 500 * MS
    with pytest.raises(JointStateError, match=r"'shoulder' jumped by 0\.9 rad in 0\.01 s"):
        arm.send(stamp=ahead, position=[2.3, 1.0])
    assert arm.send(stamp=ahead, position=[1.4, 1.0]) is Arrival.NEW


def test_a_state_that_was_held_up_excuses_the_jump_to_the_one_that_came_in_time():
    arm = long_running()
    held_up = arm.stamp + 10 * MS
    assert arm.send(stamp=held_up, after=0.2) is Arrival.NEW
    in_time = held_up + 191 * MS
    assert arm.send(stamp=in_time, position=[1.9, 1.0], after=0.001) is Arrival.NEW


def test_fault_59_once_the_arm_can_have_come_there_the_other_clock_is_believed():
    arm = long_running()
    with pytest.raises(DisplacedError):
        jump(arm, -10.0, [2.3, 1.0])
    arrivals = [judged(arm, position=[2.3, 1.0]) for _ in range(30)]
    assert Arrival.CLOCK_JUMPED in arrivals and arrivals[-1] is Arrival.NEW


def test_an_arm_that_is_placed_may_be_elsewhere_after_a_jump_of_the_clock():
    arm = long_running()
    arm.admission.forget()
    assert jump(arm, -10.0, [-1.9, -1.9]) is Arrival.CLOCK_JUMPED


def test_in_lock_step_a_simulator_that_was_started_anew_is_believed():
    arm = long_running(paced=False)
    assert jump(arm, -30.0, [-1.9, -1.9]) is Arrival.CLOCK_JUMPED


def test_fault_59_two_clocks_that_take_turns_are_a_fault_and_not_a_jump_each():
    arm = long_running()
    other = arm.stamp - 10_000 * MS
    arrivals = []
    with pytest.raises(DisplacedError, match="two clocks take turns"):
        for turn in range(20):
            for _ in range(4):
                late = 40 * MS * turn
                arm.stamp, other = arm.stamp + 10 * MS, other + 10 * MS
                stamp = other + late if turn % 2 else arm.stamp + late
                keep = arm.stamp
                arrivals.append(arm.send(stamp=stamp))
                arm.stamp = keep
    assert arrivals.count(Arrival.CLOCK_JUMPED) == 1


def test_fault_59_a_second_clock_state_by_state_is_dropped_and_changes_nothing():
    arm = long_running()
    for _ in range(50):
        own = arm.stamp + 10 * MS
        assert arm.send(stamp=own - 10_000 * MS, position=[-1.9, 0.0], after=0.005) is (
            Arrival.OUT_OF_TIME
        )
        assert arm.send(stamp=own, position=[1.4, 1.0], after=0.005) is Arrival.NEW


# old values under new stamps


def test_fault_60_a_state_that_stands_while_it_reports_a_velocity_is_old(arm):
    # 1 rad/s: 0.02 rad are 20 ms; three states that are the same are 30 ms
    moving = {"position": [0.1, 0.0], "velocity": (1.0, 0.0)}
    assert [arm.send(**moving) for _ in range(3)] == [Arrival.NEW] * 3
    for seconds in (3, 4):
        said = rf"to the last bit for 0\.0{seconds} s, while joint 'shoulder' reports 1 rad/s"
        with pytest.raises(JointStateError, match=said):
            arm.send(**moving)
    assert arm.send(position=[0.1, 1e-12], velocity=(1.0, 0.0)) is Arrival.NEW


@pytest.mark.parametrize("velocity", [(0.0, 0.0), (0.0119, -0.0059)])
def test_fault_60_an_arm_at_rest_may_say_the_same_for_ever(arm, velocity):
    assert {arm.send(velocity=velocity) for _ in range(500)} == {Arrival.NEW}


def test_fault_60_an_arm_that_moves_slowly_may_say_the_same_for_as_long_as_that_takes(arm):
    for number in range(300):  # 0.1 rad/s, a position every 0.1 s: 0.01 rad apart
        at = 0.01 * (number // 10)
        assert arm.send(position=[at, 0.0], velocity=(0.1, 0.0)) is Arrival.NEW


def test_fault_60_a_jump_after_values_that_stood_says_that_they_change_too_slowly(arm):
    for _ in range(30):
        arm.send()
    with pytest.raises(
        JointStateError, match=r"values were identical for 0\.3 s: they change more"
    ):
        arm.send(position=[0.454, 0.0])


def test_fault_61_a_jump_by_a_whole_turn_is_called_a_wrap():
    arm = Arm(lower=(-math.tau, -2.0))
    arm.send(position=[3.14, 0.0])
    with pytest.raises(JointStateError, match=r"'shoulder' jumped by -6\.28 rad.*wrap the angle"):
        arm.send(position=[-3.14, 0.0])
    with pytest.raises(JointStateError, match=r"velocity limit is 6 rad/s$"):
        arm.send(position=[0.0, 0.0])


numbers = st.floats(allow_nan=False, allow_infinity=False)
pairs = st.tuples(numbers, numbers)
steps = st.tuples(st.integers(0, 2**31 * 10**9 - 1) | st.integers(1, 5), pairs, pairs)


@settings(deadline=None)
@given(st.booleans(), st.lists(st.tuples(steps, st.floats(0.0, 1e3)), max_size=12))
@example(True, [((1, (1e308, 0.0), (0.0, 0.0)), 0.0), ((2, (-1e308, 0.0), (0.0, 0.0)), 0.0)])
def test_fault_56_any_row_of_states_is_judged(paced, row):
    arm = Arm(paced=paced, lower=(-math.inf, -2.0))
    for (stamp, position, velocity), after in row:
        judgement = judged(arm, stamp, position, velocity, after)
        assert isinstance(judgement, Arrival) or len(judgement) < 1_000
