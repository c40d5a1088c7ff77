"""Statistics of the observations, and that folding them into the actor changes no answer."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.algo.networks import Mlp, initial_parameters
from ddpg_ros.algo.normaliser import SMALLEST_DEVIATION, Normaliser, normalised


@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6), seed=st.integers(0, 999))
def test_the_moments_are_those_of_all_observations_however_they_came(sizes, seed):
    rng = np.random.default_rng(seed)
    every = rng.normal([5.0, -1.0], [2.0, 0.5], (sum(sizes), 2)).astype(np.float32)
    normaliser = Normaliser(2)
    for part in np.split(every, np.cumsum(sizes)[:-1]):
        normaliser.add(part)
    mean, scale = normaliser.moments.numpy()
    deviation = np.maximum(every.astype(np.float64).std(0), SMALLEST_DEVIATION)
    np.testing.assert_allclose(mean, every.mean(0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(1.0 / scale, deviation, rtol=1e-4)


def test_before_any_observation_it_is_the_identity():
    observation = torch.tensor([[3.0, -4.0]])
    assert normalised(observation, Normaliser(2).moments).tolist() == observation.tolist()


def test_a_component_that_never_moves_is_not_blown_up():
    normaliser = Normaliser(1)
    normaliser.add(np.full((100, 1), 7.0, dtype=np.float32))
    moved = normalised(torch.tensor([[7.001]]), normaliser.moments)
    assert abs(moved.item() - 0.1) < 1e-3


@settings(deadline=None)
@given(seed=st.integers(0, 999), layer_norm=st.booleans())
def test_folded_weights_answer_raw_observations_as_the_actor_does_normalised_ones(
    seed, layer_norm
):
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    sizes = [3, 8, 8, 2]
    normaliser = Normaliser(3)
    raw = rng.normal([3.0, 0.0, -2.0], [0.3, 1.0, 5.0], (50, 3)).astype(np.float32)
    normaliser.add(raw)
    actor, weights = Mlp(sizes, layer_norm), initial_parameters(sizes, generator)
    folded = torch.from_numpy(normaliser.fold(weights.numpy(), sizes))
    inputs = torch.from_numpy(raw)
    torch.testing.assert_close(
        actor(folded, inputs),
        actor(weights, normalised(inputs, normaliser.moments)),
        rtol=1e-3,
        atol=1e-5,
    )


@settings(deadline=None)
@given(seed=st.integers(0, 999), layer_norm=st.booleans())
def test_unfolded_weights_answer_normalised_observations_as_the_actor_does_raw_ones(
    seed, layer_norm
):
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    sizes = [3, 8, 8, 2]
    normaliser = Normaliser(3)
    raw = rng.normal([3.0, 0.0, -2.0], [0.3, 1.0, 5.0], (50, 3)).astype(np.float32)
    normaliser.add(raw)
    actor, weights = Mlp(sizes, layer_norm), initial_parameters(sizes, generator)
    unfolded = normaliser.unfold(weights.numpy(), sizes)
    inputs = torch.from_numpy(raw)
    torch.testing.assert_close(
        actor(torch.from_numpy(unfolded), normalised(inputs, normaliser.moments)),
        actor(weights, inputs),
        rtol=1e-3,
        atol=1e-4,
    )
    np.testing.assert_allclose(normaliser.fold(unfolded, sizes), weights, rtol=1e-4, atol=1e-5)


def test_unfolding_is_what_a_hand_computes():
    normaliser = Normaliser(1)
    normaliser.add(np.array([[2.0], [6.0]], dtype=np.float32))  # mean 4, deviation 2
    # w s + b = 3 s + 1 is 6 (s - 4) / 2 + 13
    raw = np.array([3.0, 1.0, 9.0, 9.0], dtype=np.float32)
    assert normaliser.unfold(raw, [1, 1, 1]).tolist() == [6.0, 13.0, 9.0, 9.0]
