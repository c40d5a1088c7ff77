"""The safety states: who may act, what stands in, what latches, what the watchdog does."""

import math

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ddpg_ros.config import Config
from ddpg_ros.control.deadlines import Deadlines
from ddpg_ros.control.guard import Guard
from ddpg_ros.control.limits import make_limits
from ddpg_ros.control.safety import Mode, Safety
from ddpg_ros.errors import RefusedError
from ddpg_ros.robot import Robot
from ddpg_ros.types import JointState

PERIOD = 0.01  # [s]
INSIDE, AT_REST = np.array([0.0, 1.3]), np.zeros(2)
LIMIT = np.array([2.0, 1.0])  # [N·m], of reacher2
PUSH = np.array([0.5, 0.5])  # [N·m]


class Bench:
    """A safety with a clock of its own, and states that come when they should."""

    def __init__(self, watches_commands=False, **changes):
        given = {
            f"safety__{key}": value for key, value in ({"ramp_seconds": 0.0} | changes).items()
        }
        config = Config().replace(control__period=PERIOD, sim__physics_timestep=PERIOD, **given)
        guard = Guard(make_limits(Robot.load("reacher2"), config), PERIOD)
        deadlines = Deadlines.of(PERIOD, config.safety.latch_after)
        self.safety = Safety(guard, config.safety, deadlines, watches_commands)
        self.now = 100.0
        self.position, self.velocity = INSIDE, AT_REST

    def pass_time(self, seconds):
        self.now += seconds
        return self.safety.watch(self.now)

    def hear(self, count=1):
        for _ in range(count):
            self.now += PERIOD
            self.safety.heard(JointState(1, self.position, self.velocity), self.now)

    def ask(self, torque=PUSH):
        """Let the policy ask for a torque with each state; return what is sent."""
        self.hear()
        sent = self.safety.apply(torque, self.position, self.velocity, PERIOD)
        return sent.tolist()

    def arm(self, **how):
        self.hear(10)
        self.safety.commanded(self.now)
        self.safety.arm(self.now, **how)

    def activate(self):
        self.arm()
        self.ask()
        assert self.safety.mode is Mode.ACTIVE


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
    bench = Bench(fallback=fallback, damping=[0.2, 0.1])
    bench.activate()
    bench.velocity = np.array([1.0, -2.0])
    bench.safety.fault("broken")
    sent = bench.ask()
    assert sent == (pytest.approx([-0.2, 0.2]) if fallback == "damping" else [0.0, 0.0])
    assert bench.safety.silent is (fallback == "hold")


def test_nothing_is_sent_where_the_driver_holds_and_nobody_has_armed():
    bench = Bench(fallback="hold")
    assert bench.safety.silent
    assert bench.pass_time(1.0) is None
    bench.activate()
    assert not bench.safety.silent


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
    assert bench.safety.blind(bench.now)
    bench.hear()
    assert not bench.safety.blind(bench.now + 0.029)
    assert bench.safety.blind(bench.now + 0.031)


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


def test_a_pause_of_the_whole_process_latches_though_the_loop_wakes_first(bench):
    bench.activate()
    bench.now += 1.0
    assert bench.ask() == [0.0, 0.0]
    assert bench.safety.mode is Mode.FAULT
    assert "1010 ms" in bench.safety.cause


def test_a_torque_that_a_latch_has_overtaken_is_not_to_be_sent(bench):
    bench.activate()
    bench.ask()
    assert not bench.safety.overruled
    bench.safety.estop()
    assert bench.safety.overruled
    bench.ask()
    assert not bench.safety.overruled  # that one stands in for the policy's


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
    bench = Bench(watches_commands=True, damping=[0.2, 0.1])
    bench.arm()
    for _ in range(3):
        bench.hear()
        bench.safety.commanded(bench.now)
        bench.safety.apply(PUSH, INSIDE, AT_REST, PERIOD)
    bench.velocity = np.array([1.0, -2.0])
    bench.hear(2)
    assert bench.pass_time(0.0) is None
    bench.hear(2)
    assert bench.pass_time(0.0).tolist() == pytest.approx([-0.2, 0.2])
    assert bench.safety.mode is Mode.ACTIVE
    bench.hear(7)
    assert bench.pass_time(0.0).tolist() == pytest.approx([-0.2, 0.2])
    assert bench.safety.cause == "no command for 110 ms"
    bench.hear(20)
    assert bench.pass_time(0.0).tolist() == pytest.approx([-0.2, 0.2])


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
    guard = Guard(make_limits(Robot.load("reacher2"), config), config.control.period)
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


class Operator(RuleBasedStateMachine):
    """Anybody may do anything at any time; what must hold, holds."""

    def __init__(self):
        super().__init__()
        self.bench = Bench(watches_commands=True, ramp_seconds=0.5)
        self.sent = np.zeros(2)
        self.before = Mode.DISARMED
        self.may_arm = False
        self.torque_seen = False

    numbers = st.floats(allow_nan=True, allow_infinity=True)

    def act(self, action, *arguments, allowed=()):
        """Act, and check that the state went only where that may lead."""
        before = self.bench.safety.mode
        try:
            result = action(*arguments)
        except RefusedError:
            assert self.bench.safety.mode is before
            return None
        after = self.bench.safety.mode
        latching = {Mode.FAULT, Mode.ESTOP} if before is not Mode.ESTOP else set()
        if before is Mode.FAULT:
            latching -= {Mode.FAULT}
        assert after is before or after in latching or (before, after) in allowed, (before, after)
        return result

    @rule(count=st.integers(1, 12))
    def states_come(self, count):
        self.act(self.bench.hear, count)

    @rule()
    def a_bad_state_comes(self):
        self.act(self.bench.safety.rejected, "torn")

    @rule(q=st.floats(-3, 3), v=st.floats(-8, 8))
    def the_arm_moves(self, q, v):
        self.bench.position, self.bench.velocity = np.array([q, 1.3]), np.array([v, 0.0])

    @rule(a=numbers, b=numbers, dt=numbers)
    def the_policy_asks(self, a, b, dt):
        bench = self.bench
        bench.safety.commanded(bench.now)
        sent = self.act(
            bench.safety.apply,
            np.array([a, b]),
            bench.position,
            bench.velocity,
            dt,
            allowed=[(Mode.ARMED, Mode.ACTIVE)],
        )
        self.note(sent)

    @rule(seconds=st.floats(0, 0.3))
    def time_passes(self, seconds):
        self.note(self.act(self.bench.pass_time, seconds))

    @rule()
    def arm(self):
        self.act(self.bench.safety.arm, self.bench.now, allowed=[(Mode.DISARMED, Mode.ARMED)])

    @rule()
    def reset(self):
        latched = [(Mode.FAULT, Mode.DISARMED), (Mode.ESTOP, Mode.DISARMED)]
        self.act(self.bench.safety.reset, self.bench.now, allowed=latched)

    @rule()
    def estop(self):
        self.act(self.bench.safety.estop)
        assert self.bench.safety.mode is Mode.ESTOP

    @rule()
    def disarm(self):
        armed = [(Mode.ARMED, Mode.DISARMED), (Mode.ACTIVE, Mode.DISARMED)]
        self.act(self.bench.safety.disarm, allowed=armed)

    @rule(reason=st.sampled_from(["", "the learner is gone"]))
    def withhold(self, reason):
        self.act(self.bench.safety.withhold, reason)

    def note(self, sent):
        if sent is None:
            return
        assert np.isfinite(sent).all()
        assert (np.abs(sent) <= LIMIT).all()
        fastest = self.bench.safety.guard.limits.torque_rate_safe * 2 * PERIOD
        assert (np.abs(sent - self.sent) <= fastest + 1e-9).all()
        if self.bench.safety.mode is Mode.DISARMED:
            assert (np.abs(sent) <= np.abs(self.sent)).all()  # only ever toward zero
        self.sent = sent

    @invariant()
    def a_latch_has_a_cause_and_no_authority(self):
        safety = self.bench.safety
        if safety.mode in (Mode.FAULT, Mode.ESTOP):
            assert safety.cause and safety.authority == 0.0 and not safety.armed


Operator.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestOperator = Operator.TestCase
