"""What a learner takes of an earlier one, and how its first updates differ from the later."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.algo.beginning import Beginning
from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.warm_start import Critics, WarmStart
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.errors import CheckpointError
from ddpg_ros.types import RecordLayout

LAYOUT = RecordLayout(observation_size=3, action_size=1)
SMALL = {
    "hidden": [8],
    "batch_size": 16,
    "replay_capacity": 50,
    "mode": "eager",
    "warmup_steps": 0,
    "critic_first": 5,
    "earlier_updates": 20,
}


def section(**more):
    return LearnerSection(**(SMALL | more))


def records(count, seed=0, reward=None):
    found = np.random.default_rng(seed).uniform(-1.0, 1.0, (count, LAYOUT.width))
    found[:, 5] = 0.9  # the discount
    if reward is not None:
        found[:, 4] = reward
    return found.astype(np.float32)


def trained(**more):
    learner = Learner(section(**more), LAYOUT, seed=1)
    learner.add(records(40))
    learner.update(30)
    return learner


def of_run(learner, held):
    state, (seen, mean, variance) = learner.state, learner.checkpoint().statistics
    critics = Critics(state.critics.numpy(), state.target_critics.numpy(), seen, mean, variance)
    actors = state.actor.numpy(), state.target_actor.numpy()
    return WarmStart(*actors, critics, (-50.0, 50.0), held)


def of_policy(learner):
    weights = learner.policy_weights()
    return WarmStart(weights, weights, None, (0.0, 0.0), records(0))


def tensors(state):
    return {name: getattr(state, name) for name in ("actor", "target_actor")} | {
        name: getattr(state, name) for name in ("critics", "target_critics")
    }


def same(one, other):
    return {name: torch.equal(one[name], other[name]) for name in one}


@pytest.mark.parametrize(
    ("update", "expected"), [(0, 8), (5, 6), (10, 4), (15, 2), (19, 0), (20, 0), (10**6, 0)]
)
def test_the_share_falls_linearly_to_nothing(update, expected):
    # half of 16 at first, over 20 updates: 0.5 × (1 - 19/20) × 16 = 0.4
    beginning = Beginning(section(), LAYOUT, of_run(trained(), records(10)))
    assert beginning.earlier(update, held=10) == expected


def test_without_records_there_is_no_share_and_no_room():
    beginning = Beginning(section(), LAYOUT, of_run(trained(), records(0)))
    assert beginning.earlier(0, held=0) == 0
    assert beginning.room == 0
    assert beginning.storage_settings == section()


def test_the_room_is_the_same_however_many_records_there_are():
    few, many = (Beginning(section(), LAYOUT, of_run(trained(), records(k))) for k in (1, 50))
    assert few.room == many.room == 50
    assert few.storage_settings.replay_capacity == 100


def test_a_learner_begins_with_the_networks_targets_and_statistics_of_a_run():
    earlier = trained(normalise_observations=True)
    learner = Learner(
        section(normalise_observations=True), LAYOUT, 2, warm=of_run(earlier, records(10))
    )
    assert all(same(tensors(learner.state), tensors(earlier.state)).values())
    assert learner.actor_weights().tolist() == earlier.actor_weights().tolist()
    assert (learner.steps, learner.updates, learner.due) == (0, 0, 0)
    assert not learner.state.actor_optimiser.mean.any()
    assert int(learner.state.updates) == 0


def test_the_rewards_of_the_earlier_run_count_for_what_values_may_be():
    learner = Learner(section(discount=0.5), LAYOUT, 2, warm=of_run(trained(), records(0)))
    assert learner.checkpoint().rewards == (-25.0, 25.0)  # 50 × (1 - 0.5)


def test_each_minibatch_has_its_share_of_the_earlier_run(monkeypatch):
    learner = Learner(section(), LAYOUT, 2, warm=of_run(trained(), records(10)))
    learner.add(records(30, seed=5))
    shares = []

    def run(state, inputs):
        shares.extend((inputs.rows[: int(inputs.updates)] >= 50).sum(1).tolist())
        return state, torch.zeros((32, 9))

    monkeypatch.setattr(learner._runner, "_run", run)
    learner.update(7)
    learner.update(18)
    # round(8 (1 - k/20)), halves to even
    assert shares == [8, 8, 7, 7, 6, 6, 6, 5, 5, 4, 4, 4, 3, 3, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0]


def test_the_share_does_not_depend_on_how_updates_are_called():
    one, other = (
        Learner(section(), LAYOUT, 2, warm=of_run(trained(), records(10))) for _ in range(2)
    )
    for learner in (one, other):
        learner.add(records(30, seed=5))
    one.update(25)
    other.update(9)
    other.update(16)
    assert all(same(tensors(one.state), tensors(other.state)).values())


def test_a_policys_actor_stays_until_its_critics_have_learnt_alone():
    earlier = trained()
    learner = Learner(section(), LAYOUT, 2, warm=of_policy(earlier))
    begun = tensors(learner.state)
    assert same(begun, tensors(earlier.state))["actor"]
    assert not same(begun, tensors(earlier.state))["critics"]
    learner.add(records(30, seed=5))
    learner.update(5)
    assert same(begun, tensors(learner.state)) == {
        "actor": True,
        "target_actor": True,
        "critics": False,
        "target_critics": False,
    }
    assert not learner.state.actor_optimiser.mean.any()
    learner.update(1)
    assert not any(same(begun, tensors(learner.state)).values())


def test_one_call_may_cross_the_end_of_the_critics_time_alone():
    one, other = (Learner(section(), LAYOUT, 2, warm=of_policy(trained())) for _ in range(2))
    for learner in (one, other):
        learner.add(records(30, seed=5))
    one.update(12)
    other.update(5)
    other.update(7)
    assert all(same(tensors(one.state), tensors(other.state)).values())


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 99),
    critic_first=st.sampled_from([0, 1, 4]),
    earlier_normalises=st.booleans(),
    layer_norm=st.booleans(),
)
def test_a_policy_answers_as_before_until_its_actor_learns_and_then_nearly(
    seed, critic_first, earlier_normalises, layer_norm
):
    options = {"actor_layer_norm": layer_norm, "actor_learning_rate": 1e-6, "tau": 1e-6}
    earlier = trained(normalise_observations=earlier_normalises, **options)
    learner = Learner(
        section(normalise_observations=True, critic_first=critic_first, **options),
        LAYOUT,
        seed,
        warm=of_policy(earlier),
    )
    seen = np.random.default_rng(seed).normal([4.0, 0.0, -1.0], 0.5, (20, 3)).astype(np.float32)
    expected = earlier.act(seen)
    rows = records(30, seed)
    rows[:, :3] += [4.0, 0.0, -1.0]
    learner.add(rows)
    np.testing.assert_array_equal(learner.act(seen), expected)
    for _ in range(critic_first):
        learner.update(1)
        np.testing.assert_allclose(learner.act(seen), expected, atol=1e-4)
    learner.update(1)  # of a millionth
    np.testing.assert_allclose(learner.act(seen), expected, atol=1e-3)


@pytest.mark.parametrize("updates", [0, 3, 5, 9])
def test_a_restored_learner_goes_on_as_the_one_that_was_saved(updates):
    options = {"normalise_observations": True}

    def fresh():
        return Learner(section(**options), LAYOUT, 2, warm=of_policy(trained(**options)))

    one, other = fresh(), fresh()
    one.add(records(30, seed=5))
    if updates:
        one.update(updates)
    other.restore(one.checkpoint())
    other.replay.restore(one.replay.since(0), one.replay.total)
    for learner in (one, other):
        learner.add(records(5, seed=6))
        learner.update(4)
    assert one.actor_weights().tolist() == other.actor_weights().tolist()
    assert all(same(tensors(one.state), tensors(other.state)).values())


def test_networks_of_other_sizes_are_refused():
    with pytest.raises(CheckpointError, match="actor has the shape"):
        Learner(section(hidden=[9]), LAYOUT, 2, warm=of_run(trained(), records(0)))
    with pytest.raises(CheckpointError, match="critics has the shape"):
        Learner(section(critics=2), LAYOUT, 2, warm=of_run(trained(), records(0)))
