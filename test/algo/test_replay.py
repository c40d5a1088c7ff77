"""Replay: what is held, what gives way, and that each is drawn as often as the others."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.algo.replay import Replay, unpack
from ddpg_ros.types import Experience, RecordLayout

LAYOUT = RecordLayout(observation_size=2, action_size=1)


def records(*numbers):
    """One record a number; each of its columns holds the number."""
    return torch.tensor(numbers, dtype=torch.float32)[:, None].expand(-1, LAYOUT.width)


def sample(replay, size, seed):
    rows = torch.zeros(size, dtype=torch.int64)
    replay.draw(rows, torch.Generator().manual_seed(seed))
    return unpack(replay.layout, replay.storage[rows])


def held(replay, draws=2000):
    """The numbers that 2000 draws find: all of a small replay, as good as certainly."""
    batch = sample(replay, draws, 0)
    return set(batch.reward.tolist())


def test_only_what_was_added_is_drawn():
    replay = Replay(10, LAYOUT)
    replay.add(records(1, 2, 3))
    assert len(replay) == 3
    assert held(replay) == {1.0, 2.0, 3.0}  # and no zero from the empty places


def test_the_oldest_give_way():
    replay = Replay(4, LAYOUT)
    for number in range(1, 7):
        replay.add(records(number))
    assert len(replay) == 4
    assert held(replay) == {3.0, 4.0, 5.0, 6.0}


def test_one_addition_may_wrap_around():
    replay = Replay(4, LAYOUT)
    replay.add(records(1, 2, 3))
    replay.add(records(4, 5, 6))
    assert held(replay) == {3.0, 4.0, 5.0, 6.0}


def test_of_more_than_fit_the_last_are_kept():
    replay = Replay(4, LAYOUT)
    replay.add(records(1, 2, 3))
    replay.add(records(*range(10, 19)))
    assert (len(replay), held(replay)) == (4, {15.0, 16.0, 17.0, 18.0})


@settings(deadline=None, max_examples=60)
@given(capacity=st.integers(1, 9), sizes=st.lists(st.integers(0, 12), max_size=6))
def test_the_last_transitions_are_held_however_they_came(capacity, sizes):
    replay, added = Replay(capacity, LAYOUT), 0
    for size in sizes:
        replay.add(records(*range(added, added + size)))
        added += size
    expected = set(range(max(0, added - capacity), added))
    assert len(replay) == len(expected)
    if expected:
        assert held(replay) == expected


def test_what_was_added_may_be_overwritten_by_the_caller():
    replay, mine = Replay(4, LAYOUT), records(1).clone()
    replay.add(mine)
    mine[:] = 9.0
    assert held(replay) == {1.0}


def test_draws_are_uniform_also_across_the_wrap():
    replay, draws = Replay(50, LAYOUT), 50_000
    replay.add(records(*range(70)))
    batch = sample(replay, draws, 1)
    counts = torch.bincount(batch.reward.long() - 20, minlength=50).double()
    expected = draws / 50
    chi_square = ((counts - expected) ** 2 / expected).sum().item()
    assert chi_square < 85.4  # 99.9 % of chi-square with 49 degrees of freedom
    assert chi_square > 23.9  # 0.1 %: evener than chance is no chance either


def test_the_same_generator_draws_the_same_and_another_draws_others():
    replay = Replay(100, LAYOUT)
    replay.add(records(*range(100)))
    one, same, other = (sample(replay, 32, seed).reward.tolist() for seed in (3, 3, 4))
    assert one == same != other


def test_a_batch_has_the_columns_of_the_packed_transition():
    layout = RecordLayout(observation_size=3, action_size=2)
    experience = Experience(
        observation=torch.tensor([1.0, 2.0, 3.0]).numpy(),
        action=torch.tensor([0.25, -0.5]).numpy(),
        reward=-7.0,
        discount=0.75,
        next_observation=torch.tensor([4.0, 5.0, 6.0]).numpy(),
    )
    replay = Replay(5, layout)
    replay.add(torch.from_numpy(layout.pack(experience))[None])
    batch = sample(replay, 2, 0)
    assert batch.observation.tolist() == [[1.0, 2.0, 3.0]] * 2
    assert batch.action.tolist() == [[0.25, -0.5]] * 2
    assert batch.reward.tolist() == [-7.0] * 2
    assert batch.discount.tolist() == [0.75] * 2
    assert batch.next_observation.tolist() == [[4.0, 5.0, 6.0]] * 2


def with_earlier(own, earlier, capacity=4, room=6):
    replay = Replay(capacity, LAYOUT, room=room)
    replay.keep_earlier(records(*earlier))
    replay.add(records(*own))
    return replay


def test_an_earlier_runs_records_stay_whatever_is_added():
    replay = with_earlier(range(1, 10), [101, 102])
    assert len(replay) == 4
    assert replay.since(0)[:, 0].tolist() == [6.0, 7.0, 8.0, 9.0]
    assert held(replay) == {6.0, 7.0, 8.0, 9.0}
    assert replay.storage[4:, 0].tolist() == [101.0, 102.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("earlier", [0, 1, 5, 8])
def test_so_many_rows_of_a_minibatch_are_of_the_earlier_run(earlier):
    replay = with_earlier([1, 2, 3], [101, 102])
    rows = torch.zeros(8, dtype=torch.int64)
    seen = set()
    for seed in range(40):
        replay.draw(rows, torch.Generator().manual_seed(seed), earlier)
        numbers = replay.storage[rows][:, 0].tolist()
        assert sum(number > 100.0 for number in numbers) == earlier
        seen |= set(numbers)
    own, theirs = {1.0, 2.0, 3.0} if earlier < 8 else set(), {101.0, 102.0} if earlier else set()
    assert seen == own | theirs  # and no zero from the empty places


def test_restoring_its_own_records_leaves_the_earlier_ones():
    replay = with_earlier([], [101, 102])
    replay.restore(records(7, 8, 9, 10), 11)
    assert held(replay) == {7.0, 8.0, 9.0, 10.0}
    assert replay.storage[4:6, 0].tolist() == [101.0, 102.0]


def test_an_empty_replay_cannot_be_drawn_from():
    with pytest.raises(RuntimeError):
        sample(Replay(4, LAYOUT), 1, 0)
