"""The safety states: who may act, what stands in, what latches."""

import math

import numpy as np
import pytest

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import RefusedError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.safety.deadlines import Deadlines
from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.state_machine import Mode, Safety
from ddpg_ros.types import JointState
from test.safeties import AT_REST, INSIDE, PERIOD, PUSH, Bench


@pytest.fixture
def bench():
    return Bench()


def test_it_begins_disarmed_and_no_torque_of_the_policy_passes(bench):
    assert bench.safety.mode is Mode.DISARMED
    assert bench.ask() == [0.0, 0.0]
    assert bench.safety.mode is Mode.DISARMED


def test_the_first_torque_after_arming_is_zero_and_makes_it_active(bench):
    bench.arm()
    assert bench.safety.mode is Mode.ARMED
    assert bench.ask() == [0.0, 0.0]
    assert bench.safety.mode is Mode.ACTIVE
    assert bench.ask() == PUSH.tolist()


def test_authority_grows_linearly_to_all_of_it_within_the_ramp():
    bench = Bench(ramp_seconds=1.0)
    bench.arm()
    sent = [bench.ask(np.array([1.0, 0.5]))[0] for _ in range(103)]
    assert sent[0] == 0.0
    assert sent[50] == pytest.approx(0.5)
    assert sent[100:] == pytest.approx([1.0, 1.0, 1.0])
    assert sent == sorted(sent)
    assert bench.safety.authority == 1.0


@pytest.mark.parametrize("count", [0, 9])
def test_arming_needs_ten_valid_states_in_a_row(bench, count):
    bench.hear(10)
    bench.safety.rejected("torn")
    bench.hear(count)
    with pytest.raises(RefusedError, match=f"only {count} usable joint states in a row"):
        bench.safety.arm(bench.now)
    bench.hear(10 - count)
    bench.safety.arm(bench.now)
    assert bench.safety.armed


def test_arming_needs_fresh_states(bench):
    bench.hear(10)
    with pytest.raises(RefusedError, match="no fresh joint state"):
        bench.safety.arm(bench.now + 0.031)  # three periods are 30 ms
    bench.safety.arm(bench.now + 0.029)


@pytest.mark.parametrize(
    ("position", "named"),
    [([2.36, 1.3], "shoulder is at 2.36"), ([0.0, 0.01], "elbow is at 0.01")],
)
def test_arming_needs_the_arm_inside_its_soft_limits(bench, position, named):
    bench.position = np.array(position)
    with pytest.raises(RefusedError, match=f"{named} rad, outside its soft limits"):
        bench.arm()
    bench.arm(anywhere=True)
    assert bench.safety.armed


def test_arming_needs_an_arm_at_rest(bench):
    bench.velocity = np.array([0.0, -0.6])
    with pytest.raises(RefusedError, match=r"moves at 0\.6 rad/s; at most 0\.5"):
        bench.arm()
    bench.velocity = np.array([0.0, -0.5])
    bench.arm()


def test_arming_is_refused_with_what_the_caller_knows(bench):
    with pytest.raises(RefusedError, match="somebody else"):
        bench.arm(obstacle="somebody else commands the arm.")
    assert bench.safety.mode is Mode.DISARMED


def test_arming_twice_changes_nothing(bench):
    bench.activate()
    bench.safety.arm(bench.now, obstacle="whatever")
    assert bench.safety.mode is Mode.ACTIVE


@pytest.mark.parametrize("before", ["DISARMED", "ARMED", "ACTIVE", "FAULT", "ESTOP"])
def test_estop_stops_from_any_state_and_a_second_one_changes_nothing(bench, before):
    if before in ("ARMED", "ACTIVE"):
        bench.arm()
    if before == "ACTIVE":
        bench.ask()
    if before == "FAULT":
        bench.safety.fault("broken")
    if before == "ESTOP":
        bench.safety.estop("pressed before")
    bench.safety.estop("pressed")
    bench.safety.estop("pressed again")
    assert bench.safety.mode is Mode.ESTOP
    assert bench.safety.cause == ("pressed before" if before == "ESTOP" else "pressed")
    assert bench.ask() == [0.0, 0.0]


def test_a_fault_keeps_its_first_cause_and_does_not_undo_an_estop(bench):
    bench.safety.fault("first")
    bench.safety.fault("second")
    assert bench.safety.cause == "first"
    bench.safety.estop("pressed")
    bench.safety.fault("third")
    assert (bench.safety.mode, bench.safety.cause) == (Mode.ESTOP, "pressed")
    assert bench.safety.latches == 2


def test_reset_leads_to_disarmed_and_never_to_active(bench):
    bench.activate()
    bench.safety.fault("broken")
    with pytest.raises(RefusedError, match="only 0 usable"):
        bench.safety.reset(bench.now)
    with pytest.raises(RefusedError, match=r"fault is latched \(broken\); reset it first"):
        bench.safety.arm(bench.now)
    bench.hear(10)
    bench.safety.reset(bench.now)
    assert (bench.safety.mode, bench.safety.cause) == (Mode.DISARMED, "")
    assert bench.ask() == [0.0, 0.0]


def test_reset_where_nothing_is_latched_changes_nothing(bench):
    bench.activate()
    bench.safety.reset(bench.now)
    assert bench.safety.mode is Mode.ACTIVE


def test_reset_is_refused_while_the_arm_is_beyond_a_hard_limit(bench):
    bench.activate()
    bench.position = np.array([2.6, 1.3])  # 2.4 and a tolerance of 0.1
    bench.ask()
    assert bench.safety.mode is Mode.FAULT
    assert "shoulder" in bench.safety.cause and "2.6" in bench.safety.cause
    bench.hear(10)
    with pytest.raises(RefusedError, match=r"shoulder is at 2\.6 rad, outside its hard"):
        bench.safety.reset(bench.now)
    bench.position = INSIDE
    bench.hear()
    bench.safety.reset(bench.now)
    bench.arm()
    bench.ask()
    assert bench.safety.mode is Mode.ACTIVE  # the guard's fault is forgotten, too


def test_three_torques_in_a_row_that_are_not_finite_latch_a_fault(bench):
    bench.activate()
    bad = np.array([math.nan, 0.5])
    for count in (1, 2, 3):
        assert bench.safety.mode is Mode.ACTIVE, count
        assert np.isfinite(bench.ask(bad)).all()
    assert bench.safety.mode is Mode.FAULT


def test_three_unusable_states_in_a_row_latch_a_fault(bench):
    bench.activate()
    bench.safety.rejected("torn")
    bench.safety.rejected("torn")
    bench.hear()
    bench.safety.rejected("torn")
    bench.safety.rejected("torn")
    assert bench.safety.mode is Mode.ACTIVE
    bench.safety.rejected("torn again")
    assert bench.safety.mode is Mode.FAULT
    assert bench.safety.cause == "3 unusable states in a row: torn again"


@pytest.mark.parametrize("fallback", ["damping", "zero", "hold"])
def test_what_stands_in_for_the_policy_is_a_setting(fallback):
    bench = Bench(fallback=fallback, damping=[0.1, 0.04])
    bench.activate()
    bench.velocity = np.array([1.0, -2.0])
    bench.safety.fault("broken")
    sent = bench.ask()
    assert sent == (pytest.approx([-0.1, 0.08]) if fallback == "damping" else [0.0, 0.0])
    assert bench.safety.suppress_output is (fallback == "hold")


def test_nothing_is_sent_where_the_driver_holds_and_nobody_has_armed():
    bench = Bench(fallback="hold")
    assert bench.safety.suppress_output
    assert bench.pass_time(1.0) is None
    bench.activate()
    assert not bench.safety.suppress_output


def test_a_policy_that_is_withheld_is_stood_in_for_and_comes_back_from_nothing(bench):
    bench.activate()
    bench.velocity = np.array([1.0, 0.0])
    bench.safety.withhold("the learner is gone")
    assert bench.safety.cause == "the learner is gone"
    assert bench.ask()[0] < 0.0  # damping
    assert bench.safety.mode is Mode.ACTIVE
    bench.safety.withhold("")
    assert bench.ask() == [0.0, 0.0]
    assert bench.safety.cause == ""


@pytest.mark.parametrize("dt", [10.0, math.inf, math.nan, -10.0])
def test_a_pause_does_not_let_the_authority_jump(dt):
    bench = Bench(ramp_seconds=1.0)
    bench.arm()
    for _ in range(3):
        bench.hear()
        bench.safety.apply(PUSH, INSIDE, AT_REST, dt)
    assert 0.0 <= bench.safety.authority <= 3 * 2 * PERIOD + 1e-9


def test_time_that_stands_still_between_states_is_no_fault_in_lock_step():
    config = Config()
    guard = Guard.of(Robot.load("reacher2"), config)
    safety = Safety(guard, config.safety, Deadlines.none(config.control.period))
    for _ in range(10):
        safety.heard(JointState(1, INSIDE, AT_REST), 0.0)
    safety.arm(1e6)
    assert safety.armed


def test_disarming_takes_the_say_away_and_leaves_a_latch(bench):
    bench.activate()
    bench.safety.disarm()
    assert bench.safety.mode is Mode.DISARMED
    bench.safety.estop()
    bench.safety.disarm()
    assert bench.safety.mode is Mode.ESTOP
