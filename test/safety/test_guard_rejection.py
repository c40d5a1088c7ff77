"""The torque guard's first stage: what is rejected, and when that latches a fault."""

import math

import numpy as np
import pytest

from test.guards import ARM, PERIOD, REST, make_guard, send, settle


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("joint", [0, 1])
@pytest.mark.parametrize("which", ["torque", "position", "velocity"])
def test_one_number_that_is_not_finite_rejects_the_whole_vector(which, joint, bad):
    guard = make_guard()
    settle(guard, 4.5, -2.0)
    before = guard.counts
    vectors = {"torque": [4.5, -2.0], "position": [0.0, 0.0], "velocity": [0.0, 0.0]}
    vectors[which][joint] = bad
    given = {name: np.array(vector) for name, vector in vectors.items()}
    assert guard.apply(**given, dt=PERIOD).tolist() == [0.5, 0.0]  # to zero at the safe rate
    assert guard.counts == before._replace(rejected=1)  # never clipped, never slowed


@pytest.mark.parametrize(
    "wrong", [np.zeros(1), np.zeros(3), np.zeros((1, 2)), np.zeros((2, 1)), np.array(4.0), []]
)
@pytest.mark.parametrize("which", ["torque", "position", "velocity"])
def test_a_vector_of_another_shape_is_rejected_and_not_broadcast(which, wrong):
    guard = make_guard()
    settle(guard, 4.5, -2.0)
    vectors = {"torque": np.ones(2), "position": np.zeros(2), "velocity": np.zeros(2)}
    answer = guard.apply(**(vectors | {which: wrong}), dt=PERIOD)
    assert answer.tolist() == [0.5, 0.0]
    assert guard.counts.rejected == 1


def test_what_is_no_number_at_all_is_rejected():
    guard = make_guard()
    settle(guard, 4.5, -2.0)
    for vectors in ([[None, 0.0], REST, REST], [REST, [None, 0.0], REST], [REST, REST, [None, 0]]):
        guard.apply(*vectors, PERIOD)
    assert guard.counts.rejected == 3
    assert guard.fault.endswith("velocity of joint shoulder is nan; expected finite numbers.")


def test_the_guard_goes_on_from_what_was_sent_after_a_rejection():
    guard = make_guard()
    settle(guard, 4.5, 2.0)
    send(guard, math.nan, math.nan)
    assert send(guard, 4.5, 2.0) == [1.5, 1.0]


def test_three_rejections_in_a_row_latch_a_fault_and_two_do_not():
    guard = make_guard()
    for _ in range(2):
        send(guard, 1.0, math.nan)
    assert guard.fault == ""
    send(guard, 1.0, 1.0)  # the row begins anew
    for _ in range(2):
        send(guard, 1.0, math.nan)
    assert guard.fault == ""
    send(guard, 1.0, math.nan)
    assert guard.fault == (
        "several vectors in a row were rejected: the torque of joint elbow is nan; expected "
        "finite numbers."
    )
    assert guard.counts.rejected == 5


def test_the_sentence_names_every_number_that_is_wrong_in_the_last_of_the_row():
    guard = make_guard()
    for _ in range(3):
        send(guard, 1.0, -math.inf, at=(0.0, math.nan), speed=(math.inf, 0.0))
    assert guard.fault == (
        "several vectors in a row were rejected: the position of joint elbow is nan, the velocity "
        "of joint shoulder is inf, the torque of joint elbow is -inf; expected finite numbers."
    )


@pytest.mark.parametrize("which", ["torque", "position", "velocity"])
def test_the_sentence_names_a_wrong_shape(which):
    guard = make_guard()
    vectors = {"torque": np.ones(2), "position": np.zeros(2), "velocity": np.zeros(2)}
    for _ in range(3):
        guard.apply(**(vectors | {which: np.zeros(3)}), dt=PERIOD)
    assert guard.fault == (
        f"several vectors in a row were rejected: the {which} has shape (3,); expected one number "
        "for each joint: shoulder, elbow."
    )


def test_a_row_goes_on_through_damping_release_and_a_new_episode():
    guard = make_guard()
    send(guard, math.nan, 0.0)
    guard.damp(np.zeros(2), np.array([0.0, math.nan]), PERIOD)
    guard.release(PERIOD)
    guard.reset()
    assert guard.fault == ""
    send(guard, math.nan, 0.0)
    assert guard.fault


def test_a_fault_stays_until_it_is_cleared_and_keeps_its_first_sentence():
    guard = make_guard(**ARM)
    send(guard, 0.0, 0.0, at=(1.5, 0.0))
    first = guard.fault
    for _ in range(4):
        send(guard, math.nan, 0.0)
    send(guard, 0.0, 0.0)
    guard.reset()
    assert guard.fault == first
    guard.clear_fault()
    assert guard.fault == ""


def test_clearing_a_fault_forgets_the_row_and_a_cause_that_persists_latches_anew():
    guard = make_guard()
    for _ in range(3):
        send(guard, math.nan, 0.0)
    guard.clear_fault()
    for _ in range(2):
        send(guard, math.nan, 0.0)
    assert guard.fault == ""
    send(guard, math.nan, 0.0)
    assert guard.fault


def test_a_row_that_lasts_latches_again_after_a_fault_was_cleared_by_none():
    guard = make_guard(**ARM)
    send(guard, 0.0, 0.0, at=(1.5, 0.0))
    for _ in range(2):
        send(guard, math.nan, 0.0)
    guard.clear_fault()
    send(guard, math.nan, 0.0)
    assert guard.fault == ""  # the third, but the first since
