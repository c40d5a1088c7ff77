"""What is late, and what the watchdog does about it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.control.decimator import Decimator
from ddpg_ros.errors import RefusedError
from ddpg_ros.safety.state_machine import Mode
from ddpg_ros.types import JointState
from test.safeties import AT_REST, INSIDE, LIMIT, PERIOD, PUSH, Bench


@pytest.fixture
def bench():
    return Bench()


def test_the_watchdog_is_quiet_while_states_are_answered(bench):
    bench.activate()
    for _ in range(20):
        bench.ask()
        assert bench.pass_time(0.004) is None
    assert bench.safety.warnings == bench.safety.degradations == 0


def test_a_late_state_holds_the_policy_back_blindly_and_a_new_one_brings_it_back(bench):
    bench.activate()
    bench.ask(np.array([0.5, 0.5]))
    bench.velocity = np.array([1.0, 0.0])
    bench.ask(np.array([0.5, 0.5]))
    assert bench.pass_time(0.021) is None
    assert bench.safety.warnings == 1
    assert bench.pass_time(0.010).tolist() == [0.0, 0.0]  # 31 ms; damping would be blind
    assert bench.safety.degradations == 1
    assert bench.pass_time(0.005) is None  # one a period
    assert bench.pass_time(0.0051).tolist() == [0.0, 0.0]
    assert bench.safety.mode is Mode.ACTIVE
    assert bench.ask() == [0.0, 0.0]
    assert bench.ask() == PUSH.tolist()
    assert (bench.safety.warnings, bench.safety.degradations) == (1, 1)


def test_it_is_blind_once_a_state_is_late_enough_to_hold_the_policy_back(bench):
    assert bench.safety.state_is_stale(bench.now)
    bench.hear()
    assert not bench.safety.state_is_stale(bench.now + 0.029)
    assert bench.safety.state_is_stale(bench.now + 0.031)


def test_torque_goes_to_zero_at_the_safe_rate_when_states_stop(bench):
    bench.activate()
    bench.ask(np.array([1.5, 0.75]))
    assert bench.safety.guard.last.tolist() == [1.5, 0.75]
    assert bench.pass_time(0.031).tolist() == [0.0, 0.0]  # 4000 N·m/s


def test_a_late_state_is_judged_though_the_watchdog_has_not_seen_it(bench):
    bench.activate()
    bench.ask()
    bench.now += 0.03
    assert bench.ask() == [0.0, 0.0]  # authority comes anew
    assert bench.safety.degradations == 1
    bench.now += 0.1
    bench.hear()
    assert bench.safety.mode is Mode.FAULT
    assert bench.safety.cause == "no joint state for 110 ms"


def test_a_pause_does_not_count_as_time_in_which_authority_grows():
    bench = Bench(ramp_seconds=1.0)
    bench.activate()
    bench.hear()
    bench.safety.apply(PUSH, INSIDE, AT_REST, 0.9)
    assert bench.safety.authority == pytest.approx(0.03)


def test_a_state_that_is_later_still_latches_a_fault(bench):
    bench.activate()
    bench.pass_time(0.099)
    assert bench.safety.mode is Mode.ACTIVE
    bench.pass_time(0.002)
    assert bench.safety.mode is Mode.FAULT
    assert bench.safety.cause == "no joint state for 101 ms"
    bench.hear(10)
    assert bench.safety.mode is Mode.FAULT
    bench.safety.reset(bench.now)
    assert bench.safety.mode is Mode.DISARMED


def test_states_that_nobody_answers_are_late_too(bench):
    bench.activate()
    bench.hear(4)  # and the control loop says nothing
    assert bench.pass_time(0.0) is not None
    assert bench.safety.degradations == 1
    bench.hear(7)
    bench.pass_time(0.0)
    assert bench.safety.cause == "no answer of the control loop for 110 ms"


def test_states_that_cease_are_the_cause_though_the_last_one_was_not_due(bench):
    bench.activate()
    bench.now += 0.003
    bench.safety.heard(JointState(1, INSIDE, AT_REST), bench.now)
    bench.safety.pass_over()
    bench.pass_time(0.099)
    assert bench.safety.mode is Mode.ACTIVE
    assert bench.safety.degradations == 1
    bench.pass_time(0.002)
    assert bench.safety.cause == "no joint state for 101 ms"


def test_a_pause_after_a_state_that_was_not_due_is_judged_from_that_state_on(bench):
    bench.activate()
    bench.now += 0.009
    bench.safety.heard(JointState(1, INSIDE, AT_REST), bench.now)
    bench.safety.pass_over()
    bench.pass_time(0.029)  # 38 ms after the answer
    assert (bench.safety.warnings, bench.safety.degradations) == (1, 0)
    bench.pass_time(0.002)
    assert bench.safety.degradations == 1
    bench.pass_time(0.068)  # 108 ms after the answer, 99 ms after the state
    assert bench.safety.mode is Mode.ACTIVE
    bench.pass_time(0.002)
    assert bench.safety.cause == "no joint state for 101 ms"


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.floats(0.0005, 0.0295), min_size=10, max_size=60))
def test_a_loop_that_deals_with_each_state_at_once_is_never_late_whatever_the_states_rhythm(gaps):
    bench, due = Bench(), Decimator(PERIOD)
    bench.activate()
    for gap in gaps:
        for _ in range(int(gap / 0.002)):
            bench.safety.watch(bench.now)
            bench.now += 0.002
        bench.now += gap % 0.002
        bench.safety.watch(bench.now)
        bench.safety.heard(JointState(1, INSIDE, AT_REST), bench.now)
        bench.safety.watch(bench.now)
        if due.due(round(1e9 * bench.now)):
            bench.safety.apply(PUSH, INSIDE, AT_REST, PERIOD)
        else:
            bench.safety.pass_over()
    assert bench.safety.degradations == 0 and bench.safety.mode is Mode.ACTIVE


def test_commands_are_not_late_while_the_states_that_they_answer_pause():
    bench = Bench(watches_commands=True)
    bench.arm()
    for _ in range(3):
        bench.hear()
        bench.safety.commanded(bench.now)
        bench.safety.apply(PUSH, INSIDE, AT_REST, PERIOD)
    bench.now += 0.009  # between two commands
    bench.safety.heard(JointState(1, INSIDE, AT_REST), bench.now)
    bench.pass_time(0.029)
    bench.safety.heard(JointState(1, INSIDE, AT_REST), bench.now)
    bench.pass_time(0.0)
    bench.safety.commanded(bench.now)  # 38 ms after the last one
    assert bench.safety.degradations == 0 and bench.safety.mode is Mode.ACTIVE
    bench.hear(4)
    bench.pass_time(0.0)
    assert bench.safety.degradations == 1  # states come, commands do not
    bench.hear(7)
    bench.pass_time(0.0)
    assert bench.safety.cause == "no command for 110 ms"


def test_states_of_which_none_is_ever_due_are_late_all_the_same(bench):
    bench.activate()
    for _ in range(11):
        bench.hear()
        bench.safety.pass_over()
        bench.pass_time(0.0)
    assert bench.safety.cause.startswith("no answer of the control loop for 1")


def test_a_pause_of_the_whole_process_latches_though_the_loop_wakes_first(bench):
    bench.activate()
    bench.now += 1.0
    assert bench.ask() == [0.0, 0.0]
    assert bench.safety.mode is Mode.FAULT
    assert "1010 ms" in bench.safety.cause


def test_a_torque_that_a_latch_has_overtaken_is_not_to_be_sent(bench):
    bench.activate()
    bench.ask()
    assert not bench.safety.superseded_by_latch
    bench.safety.estop()
    assert bench.safety.superseded_by_latch
    bench.ask()
    assert not bench.safety.superseded_by_latch  # that one stands in for the policy's


def test_watchdog_and_loop_share_one_rate_of_change():
    bench = Bench(fallback="zero")
    bench.safety.guard.lower_torque_limit(LIMIT)
    bench.activate()
    for _ in range(3):
        bench.ask(np.array([1.5, 0.75]))
    before = bench.safety.guard.last[0]
    bench.safety.fault("broken")
    bench.safety.heard(JointState(1, INSIDE, AT_REST), bench.now + 0.0005)
    sent = bench.safety.rest(JointState(1, INSIDE, AT_REST), PERIOD)
    assert sent[0] == pytest.approx(before - 1000.0 * 0.0005)  # not a whole period's worth


def test_silence_before_arming_is_no_fault_and_zeros_are_sent(bench):
    assert bench.pass_time(10.0).tolist() == [0.0, 0.0]
    assert bench.pass_time(10.0).tolist() == [0.0, 0.0]
    assert bench.safety.mode is Mode.DISARMED


def test_commands_that_stop_are_damped_while_states_are_fresh_and_then_latched():
    bench = Bench(watches_commands=True, damping=[0.1, 0.04])
    bench.arm()
    for _ in range(3):
        bench.hear()
        bench.safety.commanded(bench.now)
        bench.safety.apply(PUSH, INSIDE, AT_REST, PERIOD)
    bench.velocity = np.array([1.0, -2.0])
    bench.hear(2)
    assert bench.pass_time(0.0) is None
    bench.hear(2)
    assert bench.pass_time(0.0).tolist() == pytest.approx([-0.1, 0.08])
    assert bench.safety.mode is Mode.ACTIVE
    bench.hear(7)
    assert bench.pass_time(0.0).tolist() == pytest.approx([-0.1, 0.08])
    assert bench.safety.cause == "no command for 110 ms"
    bench.hear(20)
    assert bench.pass_time(0.0).tolist() == pytest.approx([-0.1, 0.08])


def test_neither_armed_nor_reset_while_no_command_comes_from_the_policy():
    bench = Bench(watches_commands=True)
    bench.hear(10)
    with pytest.raises(RefusedError, match="no command comes from the policy"):
        bench.safety.arm(bench.now)
    bench.safety.estop()
    bench.hear(10)
    with pytest.raises(RefusedError, match="no command comes from the policy"):
        bench.safety.reset(bench.now)
    bench.safety.commanded(bench.now)
    bench.safety.reset(bench.now)
    bench.safety.arm(bench.now)
    assert bench.safety.mode is Mode.ARMED


def test_commands_that_stop_between_arming_and_the_first_torque_are_stood_in_for_and_latched():
    bench = Bench(watches_commands=True)
    bench.arm()
    bench.hear(4)
    assert bench.pass_time(0.0).tolist() == [0.0, 0.0]
    bench.hear(7)
    bench.pass_time(0.0)
    assert bench.safety.cause == "no command for 110 ms"


def test_an_arm_that_is_carried_gets_nothing_before_its_first_state_and_then_its_whole_weight():
    pendulum = {"robot__urdf": "pendulum", "robot__gravity": "model"}
    bench = Bench(arm=pendulum)
    bench.position, bench.velocity = np.array([0.3]), np.zeros(1)
    assert bench.safety.suppress_output
    assert bench.pass_time(PERIOD) is None
    assert bench.pass_time(1.0) is None
    bench.hear()
    assert not bench.safety.suppress_output
    # 0.93 kg at 0.5516 m, 0.3 rad from hanging: at once, as no torque was sent to rise from
    held = bench.pass_time(PERIOD)
    assert np.abs(held) == pytest.approx([9.81 * 0.93 * 0.5516129 * np.sin(0.3)], rel=1e-5)


def test_an_arm_that_its_driver_carries_gets_zero_before_its_first_state():
    bench = Bench()
    assert not bench.safety.suppress_output
    assert bench.pass_time(PERIOD).tolist() == [0.0, 0.0]
