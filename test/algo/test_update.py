"""The switches of the update: TD3's delay, divergence, and layer normalisation."""

import pytest
import torch

from ddpg_ros.algo.losses import Batch
from ddpg_ros.algo.networks import Mlp, Networks, mlp_networks
from ddpg_ros.algo.optimisers import gradient_descent
from ddpg_ros.algo.update import Hyperparameters, LearnerState, update

# μ(s) = θ s and Q(s, a) = w₁ s + w₂ a, as in the worked example
NETWORKS = Networks(
    lambda theta, observation: theta * observation,
    lambda w, observation, action: (w[0] * observation + w[1] * action).squeeze(-1),
    squash=lambda preactivation: preactivation,
)
HYPER = Hyperparameters(tau=0.5, actor_learning_rate=0.1, critic_learning_rate=0.1)
LIMIT = torch.tensor(100.0)


def state():
    return LearnerState.initial(torch.tensor([0.5]), torch.tensor([[1.0, 2.0]]))


def batch(reward=1.0, observation=1.0):
    one = torch.ones(4, 1)
    return Batch(observation * one, one, reward * one[:, 0], 0.9 * one[:, 0], one)


def steps(count, hyper, **changes):
    now, moved = state(), []
    for _ in range(count):
        before = now
        now, _ = update(now, batch(**changes), NETWORKS, gradient_descent, hyper, LIMIT)
        moved.append(
            [
                name
                for name in ("actor", "critics", "target_actor", "target_critics")
                if not torch.equal(getattr(before, name), getattr(now, name))
            ]
        )
    return moved


def test_every_update_moves_everything():
    everything = ["actor", "critics", "target_actor", "target_critics"]
    assert steps(2, HYPER) == [everything, everything]


def test_with_a_delay_actor_and_targets_move_at_every_so_manyth_update_only():
    everything = ["actor", "critics", "target_actor", "target_critics"]
    hyper = HYPER._replace(policy_delay=3)
    assert steps(6, hyper) == [["critics"], ["critics"], everything] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"reward": float("nan")},
        {"reward": float("inf")},
        {"observation": float("nan")},
        {"observation": 1e30},  # Q beyond the limit
        {"reward": 101.0},  # the target beyond the limit
    ],
)
def test_fault_45_an_update_that_diverges_changes_nothing_and_says_so(changes):
    before = state()
    after, metrics = update(before, batch(**changes), NETWORKS, gradient_descent, HYPER, LIMIT)
    assert metrics.skipped.item() == 1.0
    for one, other in zip(before[:4], after[:4], strict=True):
        assert torch.equal(one, other)
    assert after.updates.item() == 0
    again, metrics = update(after, batch(), NETWORKS, gradient_descent, HYPER, LIMIT)
    assert metrics.skipped.item() == 0.0
    assert again.updates.item() == 1


def test_updates_are_counted_beyond_what_a_float32_counts():
    many = state()._replace(updates=state().updates + 2**24)
    after, _ = update(many, batch(), NETWORKS, gradient_descent, HYPER, LIMIT)
    assert after.updates.item() == 2**24 + 1


@pytest.mark.parametrize(("least", "largest", "target"), [(0, 2, 2.0), (3, 4, 3.0), (0, 4, 2.8)])
def test_a_target_beyond_what_rewards_allow_is_clipped_where_that_is_asked(least, largest, target):
    # y = 1 + 0.9 (1·1 + 2·0.5) = 2.8 before it is clipped; Q = 3
    values = torch.tensor((float(least), float(largest)))
    _, metrics = update(
        state(), batch(), NETWORKS, gradient_descent, HYPER, LIMIT, value_range=values
    )
    assert metrics.critic_loss.item() == pytest.approx(0.5 * (3.0 - target) ** 2, abs=1e-6)


def test_metrics_by_hand():
    # y = 1 + 0.9 (1·1 + 2·0.5) = 2.8; Q = 1·1 + 2·1 = 3; δ = 0.2
    # ∇L = δ (s, a) = (0.2, 0.2); w ← (0.98, 1.98); Q(s, μ(s)) = 0.98 + 1.98·0.5 = 1.97
    _, metrics = update(state(), batch(), NETWORKS, gradient_descent, HYPER, LIMIT)
    expected = {
        "critic_loss": 0.5 * 0.2**2,
        "actor_loss": -1.97,
        "q_mean": 3.0,
        "q_min": 3.0,
        "q_max": 3.0,
        "critic_gradient_norm": (2 * 0.2**2) ** 0.5,
        "actor_gradient_norm": 1.98,
        "saturation": 0.0,
        "skipped": 0.0,
    }
    assert {name: value.item() for name, value in metrics._asdict().items()} == pytest.approx(
        expected, abs=1e-6
    )


def test_actions_at_the_end_of_their_range_count_as_saturated():
    now = LearnerState.initial(torch.tensor([0.995]), torch.tensor([[1.0, 2.0]]))
    _, metrics = update(now, batch(), NETWORKS, gradient_descent, HYPER, LIMIT)
    assert metrics.saturation.item() == 1.0


def test_layer_normalisation_is_that_of_torch_before_each_relu():
    generator = torch.Generator().manual_seed(0)
    sizes = [3, 6, 4, 1]
    parameters = torch.randn(3 * 6 + 6 + 6 * 4 + 4 + 4 + 1, generator=generator)
    inputs = torch.randn((5, 3), generator=generator)
    w1, b1, w2, b2, w3, b3 = torch.split(parameters, [18, 6, 24, 4, 4, 1])
    hidden = torch.nn.LayerNorm(6, elementwise_affine=False)(inputs @ w1.view(6, 3).T + b1)
    hidden = torch.nn.LayerNorm(4, elementwise_affine=False)(
        torch.relu(hidden) @ w2.view(4, 6).T + b2
    )
    expected = torch.relu(hidden) @ w3.view(1, 4).T + b3
    torch.testing.assert_close(Mlp(sizes, normalised=True)(parameters, inputs), expected)


def test_the_actor_stays_within_its_actions_and_the_critic_gives_a_value_a_row():
    networks = mlp_networks(Mlp([3, 8, 2]), Mlp([5, 8, 1]))
    generator = torch.Generator().manual_seed(0)
    action = networks.actor(10.0 * torch.randn(3 * 8 + 8 + 8 * 2 + 2), torch.randn(7, 3))
    assert action.shape == (7, 2)
    assert action.abs().max() <= 1.0
    value = networks.critic(
        torch.randn(5 * 8 + 8 + 8 + 1, generator=generator), torch.randn(7, 3), action
    )
    assert value.shape == (7,)
