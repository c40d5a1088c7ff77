"""What holds of the safety whatever anybody does, in whatever order."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ddpg_ros.errors import RefusedError
from ddpg_ros.safety.state_machine import Mode
from test.safeties import LIMIT, PERIOD, Bench


class Operator(RuleBasedStateMachine):
    """Anybody may do anything at any time; what must hold, holds."""

    def __init__(self):
        super().__init__()
        self.bench = Bench(watches_commands=True, ramp_seconds=0.5)
        self.sent = np.zeros(2)

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
