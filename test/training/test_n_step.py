"""Experience over n steps: sums by hand, ends of episodes, and nothing lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.training.n_step import NStep
from ddpg_ros.types import Transition


def place(number):
    return np.array([number], dtype=np.float32)


def walk(rewards, terminated=False, start=0):
    """An episode through the places start, start + 1 and so on."""
    last = len(rewards) - 1
    return [
        Transition(
            place(start + k), place(0), reward, terminated and k == last, place(start + k + 1)
        )
        for k, reward in enumerate(rewards)
    ]


def run(n_step, episode):
    return [one for step in episode for one in n_step.add(step)]


def shown(experience):
    return [
        (int(e.observation[0]), e.reward, e.discount, int(e.next_observation[0]))
        for e in experience
    ]


def test_one_step_is_the_transition_itself_at_once():
    (one,) = NStep(1, 0.9).add(walk([-2.0])[0])
    assert shown([one]) == [(0, -2.0, 0.9, 1)]


def test_three_steps_by_hand():
    # γ = ½: 1 + ½·2 + ¼·4 = 3, then γ³ = ⅛
    n_step = NStep(3, 0.5)
    assert shown(run(n_step, walk([1.0, 2.0, 4.0, 8.0]))) == [
        (0, 3.0, 0.125, 3),
        (1, 2.0 + 2.0 + 2.0, 0.125, 4),
    ]


def test_at_a_time_limit_the_last_steps_look_less_far_and_still_bootstrap():
    n_step = NStep(3, 0.5)
    run(n_step, walk([1.0, 2.0, 4.0]))
    assert shown(n_step.end()) == [(1, 2.0 + 2.0, 0.25, 3), (2, 4.0, 0.5, 3)]
    assert n_step.end() == []


def test_after_a_termination_nothing_is_expected_any_more():
    experience = run(NStep(3, 0.5), walk([1.0, 2.0], terminated=True))
    assert shown(experience) == [(0, 2.0, 0.0, 2), (1, 2.0, 0.0, 2)]


def test_an_episode_that_was_broken_off_unsaid_does_not_run_into_the_next():
    n_step = NStep(2, 0.5)
    run(n_step, walk([1.0]))
    experience = run(n_step, walk([4.0, 8.0], start=10))
    assert shown(experience) == [(0, 1.0, 0.5, 1), (10, 8.0, 0.25, 12)]


@given(
    n=st.integers(1, 6),
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    terminated=st.booleans(),
    discount=st.floats(0.0, 0.999),
)
def test_every_step_comes_out_once_in_order_with_what_followed_it(
    n, lengths, terminated, discount
):
    n_step, experience, start = NStep(n, discount), [], 0
    for length in lengths:
        rewards = [float(start + k) for k in range(length)]
        experience += run(n_step, walk(rewards, terminated, start)) + n_step.end()
        start += length + 1
    firsts = [start for start, *_ in shown(experience)]
    assert firsts == sorted(firsts)
    assert len(firsts) == sum(lengths)
    for one in experience:
        first, last = int(one.observation[0]), int(one.next_observation[0])
        expected = sum(discount**k * (first + k) for k in range(last - first))
        assert one.reward == pytest.approx(expected)
        assert 1 <= last - first <= n
