"""The learner: how many updates are due, and that a seed decides everything."""

import numpy as np
import pytest
import torch

from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.networks import Mlp
from ddpg_ros.algo.replay import Replay
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.control.mlp import MlpActor
from ddpg_ros.errors import LearnerDivergedError
from ddpg_ros.types import RecordLayout

LAYOUT = RecordLayout(observation_size=3, action_size=1)
HAS_BF16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def make_learner(seed=0, **settings):
    small = {"hidden": [8, 8], "batch_size": 16, "replay_capacity": 1000, "mode": "eager"}
    return Learner(LearnerSection(**(small | settings)), LAYOUT, seed)


def experience(steps, seed=9):
    rng = np.random.default_rng(seed)
    records = rng.uniform(-1.0, 1.0, (steps, LAYOUT.width)).astype(np.float32)
    records[:, LAYOUT.slices[3]] = 0.98
    return records


def train(learner, updates=50):
    learner.add(experience(100))
    reports = [learner.update() for _ in range(updates)]
    return learner.actor_weights().tobytes(), reports[-1].rows.tobytes()


@pytest.mark.parametrize(
    ("ratio", "after_10", "after_11", "after_13"),
    [(0.5, 0, 0, 1), (1.0, 0, 1, 3), (2.0, 0, 2, 6)],
)
def test_updates_are_due_by_the_ratio_after_the_warm_up(ratio, after_10, after_11, after_13):
    learner = make_learner(warmup_steps=10, update_to_data=ratio)
    assert learner.due == 0
    learner.add(experience(10))
    assert learner.due == after_10
    learner.add(experience(1))
    assert learner.due == after_11
    learner.add(experience(2))
    assert learner.due == after_13


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_paying_what_is_due_leaves_no_debt_and_no_credit(ratio):
    learner = make_learner(warmup_steps=4, update_to_data=ratio)
    for _ in range(24):
        learner.add(experience(1))
        while learner.due > 0:
            learner.update()
        assert learner.due == 0
    assert learner.updates == 20 * ratio


def test_the_same_seed_gives_the_same_bytes_after_50_updates():
    assert train(make_learner(seed=3)) == train(make_learner(seed=3))


def test_another_seed_gives_other_weights_before_and_after():
    one, other = make_learner(seed=3), make_learner(seed=4)
    assert one.actor_weights().tobytes() != other.actor_weights().tobytes()
    assert train(one)[0] != train(other)[0]


def test_an_update_moves_the_actor_and_act_answers_with_the_moved_one():
    learner = make_learner()
    before, observation = learner.actor_weights(), experience(5)[:, :3]
    first = learner.act(observation)
    train(learner)
    assert (learner.actor_weights() != before).any()
    assert (learner.act(observation) != first).any()
    assert np.abs(learner.act(observation)).max() <= 1.0


def test_the_policy_kept_is_the_actor_or_where_it_is_averaged_the_target_actor():
    plain, averaging = make_learner(), make_learner(averaged_policy=True)
    for learner in (plain, averaging):
        train(learner)
    for learner in (plain, averaging):  # both explore with the actor
        assert (learner.actor_weights() == plain.state.actor.numpy()).all()
    assert (plain.policy_weights() == plain.actor_weights()).all()
    assert (averaging.policy_weights() == averaging.state.target_actor.numpy()).all()
    assert (averaging.policy_weights() != averaging.actor_weights()).any()
    observations = experience(5)[:, :3]
    kept = MlpActor([3, 8, 8, 1], averaging.policy_weights())
    expected = np.stack([kept(observation) for observation in observations])
    np.testing.assert_allclose(averaging.act(observations), expected, atol=1e-6)


@pytest.mark.parametrize(("wide_final_layer", "largest"), [(False, 3e-3), (True, 8**-0.5)])
def test_the_final_layers_first_weights_are_within_their_bound(wide_final_layer, largest):
    state = make_learner(wide_final_layer=wide_final_layer, critics=2).state
    final = torch.cat((state.actor[-9:], state.critics[:, -9:].flatten())).abs()
    assert 0.8 * largest < final.max() <= largest
    assert state.actor[:32].abs().max() > 0.4  # the first layer's: within 1/√3


def test_updates_in_one_call_are_those_of_as_many_calls():
    one, several = make_learner(), make_learner()
    for learner in (one, several):
        learner.add(experience(100))
    reports = np.concatenate([one.update().rows for _ in range(70)])
    np.testing.assert_array_equal(several.update(70).rows, reports)
    assert one.actor_weights().tobytes() == several.actor_weights().tobytes()
    assert several.updates == 70


def test_networks_are_drawn_anew_after_so_many_updates_and_the_replay_stays():
    learner = make_learner(reset_every=20)
    untrained = make_learner().act(experience(5)[:, :3])
    learner.add(experience(100))
    learner.update(19)
    assert np.abs(learner.act(experience(5)[:, :3])).max() > 10 * np.abs(untrained).max()
    learner.update(1)
    fresh = learner.act(experience(5)[:, :3])
    assert np.abs(fresh).max() < 10 * np.abs(untrained).max()
    assert (fresh != untrained).any()  # others than the first
    assert len(learner.replay) == 100
    assert len(learner.update(45).rows) == 45  # across two more resets
    assert learner.updates == 65


def test_reset_with_another_grouping_of_the_updates_is_the_same():
    one, other = make_learner(reset_every=7), make_learner(reset_every=7)
    for learner in (one, other):
        learner.add(experience(100))
    one.update(30)
    for count in (3, 10, 1, 16):
        other.update(count)
    assert one.actor_weights().tobytes() == other.actor_weights().tobytes()


def test_fault_44_ten_diverged_updates_in_a_row_stop_with_advice_and_leave_the_last_good_actor():
    learner = make_learner()
    learner.add(experience(100))
    learner.update(5)
    good = learner.actor_weights().tobytes()
    learner.replay.storage.fill_(float("nan"))
    assert learner.update(9).column("skipped") == [1.0] * 9
    with pytest.raises(LearnerDivergedError, match=r"10 updates in a row .*Try learner"):
        learner.update()
    assert learner.actor_weights().tobytes() == good


@pytest.mark.parametrize("column", [0, 3, LAYOUT.slices[2], -1])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_fault_43_a_transition_that_is_not_finite_is_left_out_and_said_once(column, value, caplog):
    learner, sound = (make_learner(normalise_observations=True) for _ in range(2))
    records = experience(100)
    records[[3, 70], column] = value
    learner.add(records)
    sound.add(np.delete(records, [3, 70], axis=0))
    assert (learner.steps, len(learner.replay)) == (100, 98)
    assert learner.update(5).rows.tobytes() == sound.update(5).rows.tobytes()
    assert learner.actor_weights().tobytes() == sound.actor_weights().tobytes()
    assert caplog.text.count("not all of its numbers are finite") == 1


def test_where_no_transition_is_finite_no_update_is_due():
    learner = make_learner()
    learner.add(np.full_like(experience(100), np.nan))
    assert (learner.steps, learner.due) == (100, 0)


def test_a_good_update_between_begins_the_count_anew():
    learner = make_learner()
    learner.add(experience(1))
    good = learner.replay.storage[0].clone()
    for _ in range(3):
        learner.replay.storage[0] = float("nan")
        learner.update(9)
        learner.replay.storage[0] = good
        assert learner.update().column("skipped") == [0.0]


def test_fault_44_a_value_beyond_twice_what_the_largest_reward_allows_is_divergence():
    # γ = 0.9, r_max = 5: 2·5/(1 − 0.9) = 100
    learner = make_learner(discount=0.9)
    records = experience(100)
    records[:, LAYOUT.slices[2]] = -5.0
    learner.add(records)
    for bias, skipped in ((-99.0, 0.0), (-101.0, 1.0)):
        critics = learner.state.critics.clone()
        critics[0, -1] = bias
        learner.state = learner.state._replace(critics=critics)
        assert learner.update().column("skipped") == [skipped]


@pytest.mark.parametrize(
    ("rewards", "discounts", "n_step", "values"),
    [
        ([0.5, 2.0], [0.9, 0.9], 1, (0.0, 20.0)),  # 2/(1 − 0.9); an episode can end, worth 0
        ([-5.0, 2.0], [0.9, 0.0], 1, (-50.0, 20.0)),
        ([-2.71, -1.0], [0.729, 0.729], 3, (-10.0, 0.0)),  # −2.71/(1 − 0.9³)
        ([2.71, 1.9], [0.729, 0.81], 3, (0.0, 10.0)),  # a time limit after two: 1.9/(1 − 0.9²)
        ([1.0, 2.71], [0.9, 0.0], 3, (0.0, 10.0)),  # after one, and a termination after three
    ],
)
def test_targets_are_kept_to_what_the_rewards_so_far_allow(rewards, discounts, n_step, values):
    learner = make_learner(discount=0.9, n_step=n_step, clip_target=True)
    records = experience(len(rewards))
    records[:, LAYOUT.slices[2]] = rewards
    records[:, LAYOUT.slices[3]] = discounts
    learner.add(records)
    assert learner._inputs.value_range.tolist() == pytest.approx(values)


def test_values_stay_within_the_rewards_where_targets_are_clipped_and_not_where_they_are_not():
    reached = []
    for clip in (True, False):
        learner = make_learner(discount=0.9, clip_target=clip)
        records = experience(100)
        records[:, LAYOUT.slices[2]] = -1.0
        records[:, LAYOUT.slices[3]] = 0.9
        learner.add(records)
        targets = learner.state.target_critics.clone()
        targets[0, -1] = 15.0  # an impossible value: rewards are negative
        learner.state = learner.state._replace(target_critics=targets)
        reached.append(max(learner.update(60).column("q_max")))
    assert reached[0] <= 0.1 < reached[1]


def test_observations_are_normalised_for_the_networks_and_not_for_who_asks_the_actor():
    plain, normalising = make_learner(), make_learner(normalise_observations=True)
    far = experience(200)
    far[:, :3] = 50.0 + 3.0 * far[:, :3]
    far[:, -3:] = 50.0 + 3.0 * far[:, -3:]
    for learner in (plain, normalising):
        learner.add(far)
    assert (plain.actor_weights() == plain.state.actor.numpy()).all()
    answers = normalising.act(far[:, :3])
    normalised = (far[:, :3] - far[:, :3].mean(0)) / far[:, :3].std(0)
    weights = torch.from_numpy(normalising.state.actor.numpy())
    expected = torch.tanh(Mlp([3, 8, 8, 1])(weights, torch.from_numpy(normalised)))
    np.testing.assert_allclose(answers, expected.numpy(), atol=1e-5)


@pytest.mark.skipif(not HAS_BF16, reason="this processor multiplies no bfloat16")
def test_the_actors_own_answer_is_that_of_float32_also_where_it_learns_in_bf16():
    learner = make_learner(matmul_precision="bf16", hidden=[32, 32])
    learner.add(experience(100))
    learner.update(50)
    observations = experience(20)[:, :3]
    robot = MlpActor([3, 32, 32, 1], learner.actor_weights())
    expected = np.stack([robot(observation) for observation in observations])
    np.testing.assert_allclose(learner.act(observations), expected, atol=1e-6)


def test_a_million_transitions_of_a_seven_joint_arm_take_less_than_300_mb():
    layout = RecordLayout(observation_size=3 * 7 + 3, action_size=7)
    replay = Replay(1_000_000, layout)  # not touched, so that no memory is
    size = replay.storage.element_size() * replay.storage.nelement()
    assert size == 1_000_000 * (2 * 24 + 7 + 2) * 4
    assert size < 300e6
