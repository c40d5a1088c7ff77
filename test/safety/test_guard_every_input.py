"""The torque guard for every input: what goes out is finite, within limits and not too fast."""

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.stages import Bounds, soft_bounds
from test.guards import ARM, PERIOD, make_guard, send, settle
from test.limits import make_limits

any_number = st.floats(allow_nan=True, allow_infinity=True)


def vector(usual):
    return st.one_of(
        st.lists(usual, min_size=2, max_size=2),
        st.lists(st.one_of(usual, any_number), min_size=2, max_size=2),
        st.lists(any_number, max_size=4),
    )


call = st.tuples(
    st.sampled_from(["apply", "apply", "apply", "apply", "damp", "release", "reset", "lower"]),
    vector(st.floats(-10, 10)),
    vector(st.floats(-1.5, 1.5)),
    vector(st.floats(-4, 4)),
    st.one_of(st.floats(0, 0.05), any_number),
)
gain = st.floats(1e-2, 1e2)
BIG = float(np.finfo(np.float64).max)


@st.composite
def any_limits(draw):
    """Draw whatever limits `Limits` does not refuse."""
    each = {name: draw(st.tuples(gain, gain)) for name in ("torque", "velocity", "k_velocity")}
    k_position = draw(st.tuples(st.floats(1e-2, 25), st.floats(1e-2, 25)))
    joints = zip(*each.values(), k_position, strict=True)
    needed = max(kp * max(2.0 * t, kv * v) for t, v, kv, kp in joints)
    rate = draw(gain)
    return make_limits(
        **each,
        k_position=k_position,
        lower=(-1.0, -math.inf),
        upper=(1.0, math.inf),
        soft_lower=(draw(st.floats(-1, -0.1)), -math.inf),
        soft_upper=(draw(st.floats(-0.09, 1)), math.inf),
        power=draw(st.tuples(gain, st.just(math.inf))),
        damping=draw(st.tuples(gain, gain)),
        torque_rate=rate,
        torque_rate_safe=max(4.0 * rate, needed * (1 + 1e-9)) * draw(st.floats(1, 10)),
    )


@settings(deadline=None, max_examples=400)
@given(limits=any_limits(), calls=st.lists(call, max_size=20))
@example(
    limits=make_limits(),
    calls=[
        ("apply", [BIG, -BIG], [BIG, BIG], [-BIG, BIG], 0.01),
        ("apply", [-BIG, BIG], [BIG, -BIG], [-BIG, BIG], 0.01),
        ("apply", [math.nan, 1.0], [0.0, 0.0], [0.0, 0.0], math.nan),
    ],
)
@example(  # a rejection after a pause: all of it counts
    limits=make_limits(),
    calls=[
        ("apply", [BIG, -BIG], [0.0, 0.0], [0.0, 0.0], 0.02),
        ("apply", [BIG, -BIG], [0.0, 0.0], [0.0, 0.0], 0.02),
        ("apply", [], [], [0.0, math.inf], 0.03),
        ("release", [], [], [], 0.03),
    ],
)
def test_for_every_input_the_answer_is_finite_within_limits_and_not_too_fast(limits, calls):
    guard = Guard(limits, PERIOD)
    for kind, torque, position, velocity, dt in calls:
        last, state = guard.last, (np.array(position), np.array(velocity))
        if kind == "reset":
            guard.reset()
            continue
        if kind == "lower":
            guard.lower_torque_limit(0.9 * guard.limits.torque)
            continue
        rejected = guard.counts.rejected
        if kind == "apply":
            answer = guard.apply(np.array(torque), *state, dt)
        else:
            answer = guard.damp(*state, dt) if kind == "damp" else guard.release(dt)
        assert answer.tolist() == guard.last.tolist()
        most = guard.limits.torque
        assert answer.shape == (2,)
        assert np.isfinite(answer).all()
        assert (np.abs(answer) <= most).all()
        released = kind == "release" or guard.counts.rejected > rejected
        elapsed = max(dt if dt == dt else 0.0, 0.0)
        span = elapsed if released else min(elapsed, 2 * PERIOD)
        up, safe = limits.torque_rate * span, limits.torque_rate_safe * span
        for i, joint in enumerate(guard.limits.by_joint()):
            if abs(last[i]) > most[i]:
                continue  # a limit was lowered below it
            rounding = 4.0 * np.spacing(max(abs(answer[i]), abs(last[i]), min(safe, 1e3)))
            moved = answer[i] - last[i]
            assert abs(moved) <= safe + rounding
            if released:
                assert min(0.0, last[i]) <= answer[i] <= max(0.0, last[i])
                continue
            bounds = Bounds(-joint.torque, joint.torque)
            if kind == "apply":
                gain = joint.k_velocity
                bounds = soft_bounds(joint, position[i], velocity[i], gain)
            low, high = max(0.0, bounds.low), min(0.0, bounds.high)
            assert moved <= up + rounding or answer[i] <= low
            assert moved >= -up - rounding or answer[i] >= high


@settings(deadline=None, max_examples=100)
@given(torque=st.tuples(st.floats(-5, 5), st.floats(-2, 2)))
def test_a_torque_within_the_limits_is_reached_exactly_and_kept(torque):
    guard = make_guard()
    assert settle(guard, *torque) == list(torque)
    counts = guard.counts
    assert send(guard, *torque) == list(torque)
    assert guard.counts == counts


@settings(deadline=None, max_examples=100)
@given(calls=st.lists(st.tuples(vector(st.floats(-10, 10)), vector(st.floats(-2, 2)))))
def test_no_stage_counts_more_than_one_for_a_vector(calls):
    guard = make_guard(**ARM)
    for torque, position in calls:
        before = guard.counts
        guard.apply(np.array(torque), np.array(position), np.zeros(2), PERIOD)
        grown = [after - count for count, after in zip(before, guard.counts, strict=True)]
        assert set(grown) <= {0, 1}
        assert grown[0] == 0 or sum(grown) == 1
