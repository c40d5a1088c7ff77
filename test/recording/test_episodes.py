"""Steps and torques are put together rightly, whatever became of the messages on their way."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.errors import RecordingError
from ddpg_ros.recording.episodes import join
from test.recordings import PERIOD, an_episode

PATH = Path("some.mcap")


def everything():
    """Three episodes of two processes, one of them open; and what truly led to what."""
    first, second = an_episode(1, 6), an_episode(2, 4, start=100 * PERIOD)
    other = an_episode(1, 5, seed=1, start=200 * PERIOD, run="fedcba98", over=False)
    steps = [step for episode in (first, second, other) for step in episode[0]]
    torques = {}
    true = {}
    for episode, sent in (first, second, other):
        torques |= {(episode[0].place.run, stamp): torque for stamp, torque in sent.items()}
        for step, following in pairwise(episode):
            true[step.stamp] = (step, sent[step.stamp], following)
    return steps, torques, true


STEPS, TORQUES, TRUE = everything()


def agrees(found, true):
    """Whether a recorded step is one that was taken."""
    step, torque, following = true[found.state.stamp]
    return (
        np.array_equal(found.state.position, step.position)
        and np.array_equal(found.state.velocity, step.velocity)
        and np.array_equal(found.torque, torque)
        and np.array_equal(found.goal, step.goal)
        and found.next_state.stamp == following.stamp
        and np.array_equal(found.next_state.position, following.position)
        and np.array_equal(found.next_state.velocity, following.velocity)
    )


def test_nothing_is_missing_where_nothing_was_lost():
    found = join(PATH, STEPS, TORQUES)
    assert [len(stretch) for stretch in found.stretches] == [6, 4, 5]
    assert (found.episodes, found.steps, found.phases) == (3, 16, {"train": 3})
    assert (found.without_torque, found.without_next) == (0, 1)  # the open one's last
    taken = [step for stretch in found.stretches for step in stretch]
    assert len(taken) == len(TRUE)
    assert all(agrees(step, TRUE) for step in taken)


@given(st.data())
def test_fault_84_shuffled_lost_and_doubled_messages_never_make_a_wrong_step(data):
    heard = data.draw(st.lists(st.sampled_from(STEPS), max_size=40))  # any order, any number
    answers = data.draw(st.lists(st.sampled_from(sorted(TORQUES)), unique=True))
    found = join(PATH, heard, {answer: TORQUES[answer] for answer in answers})
    taken = [step for stretch in found.stretches for step in stretch]
    assert all(agrees(step, TRUE) for step in taken)
    stamps, answered = {step.stamp for step in heard}, {stamp for _, stamp in answers}
    possible = {
        stamp
        for stamp, (_, _, following) in TRUE.items()
        if stamp in stamps and following.stamp in stamps and stamp in answered
    }
    assert {step.state.stamp for step in taken} == possible  # and none is left out needlessly
    assert len(taken) == len(possible)


@given(st.data())
def test_a_stretch_has_no_gap(data):
    lost = data.draw(st.sets(st.sampled_from(range(len(STEPS)))))
    kept = [step for at, step in enumerate(STEPS) if at not in lost]
    for stretch in join(PATH, kept, TORQUES).stretches:
        for step, following in pairwise(stretch):
            assert step.next_state.stamp == following.state.stamp


def test_two_torques_for_one_state_leave_it_out():
    found = join(PATH, STEPS, TORQUES | {(STEPS[2].place.run, STEPS[2].stamp): None})
    assert found.without_torque == 1
    assert [len(stretch) for stretch in found.stretches] == [2, 3, 4, 5]


def test_two_different_steps_under_one_number_are_refused():
    other = STEPS[2]._replace(stamp=STEPS[2].stamp + 1)
    with pytest.raises(RecordingError, match=r"some.mcap: step 2 of episode 1 is recorded twice"):
        join(PATH, [*STEPS, other], TORQUES)


def test_stamps_that_do_not_grow_with_the_steps_are_refused():
    early = STEPS[3]._replace(stamp=STEPS[2].stamp)
    steps = [*STEPS[:3], early, *STEPS[4:]]
    with pytest.raises(RecordingError, match=r"episode 1 step 3 has the stamp 120000000 ns"):
        join(PATH, steps, TORQUES)


def test_an_episode_that_goes_on_after_its_end_is_refused():
    place = STEPS[3].place._replace(over=True)
    steps = [*STEPS[:3], STEPS[3]._replace(place=place), *STEPS[4:]]
    with pytest.raises(RecordingError, match="goes on after its last step"):
        join(PATH, steps, TORQUES)
