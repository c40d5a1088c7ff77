"""The actor in numpy answers as the learner's network does."""

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ddpg_ros.algo.networks import Mlp, initial_parameters
from ddpg_ros.control.mlp import MlpActor, weight_count


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=5),
    seed=st.integers(0, 2**31 - 1),
    scale=st.floats(0.1, 4.0),
    layer_norm=st.booleans(),
)
@example(sizes=[28, 19, 3, 34, 34], seed=34, scale=0.99999, layer_norm=True)
def test_numpy_and_torch_give_the_same_action(sizes, seed, scale, layer_norm):
    generator = torch.Generator().manual_seed(seed)
    parameters = initial_parameters(sizes, generator)
    parameters[-(sizes[-2] + 1) * sizes[-1] :] *= 100.0  # the last layer, off zero
    observations = scale * torch.randn((4, sizes[0]), generator=generator)
    ours = MlpActor(sizes, parameters.numpy(), layer_norm)
    network = Mlp(sizes, layer_norm)
    theirs = torch.tanh(network(parameters, observations)).numpy()
    exact = torch.tanh(network(parameters.double(), observations.double())).numpy()
    rounding = np.abs(theirs - exact).max()  # layer normalisation of a few numbers enlarges it
    assume(rounding < 1e-3)
    for observation, expected in zip(observations, exact, strict=True):
        action = ours(observation.numpy())
        assert action.dtype == np.float32
        np.testing.assert_allclose(action, expected, rtol=0, atol=1e-5 + 5 * rounding)


def test_a_network_by_hand():
    # hidden: relu(1·2 − 3·1 + 0.5) = 0 and relu(−1·2 + 4·1 + 1) = 3; out: tanh(5·0 + 0.1·3 − 0.2)
    weights = np.array([1, -3, -1, 4, 0.5, 1, 5, 0.1, -0.2], dtype=np.float32)
    action = MlpActor([2, 2, 1], weights)(np.array([2, 1], dtype=np.float32))
    assert action.tolist() == pytest.approx([np.tanh(0.1)], abs=1e-7)


def test_weight_count_counts_weights_and_biases():
    assert weight_count([3, 64, 2]) == 3 * 64 + 64 + 64 * 2 + 2


@pytest.mark.parametrize("count", [0, 8, 10])
def test_weights_of_another_length_are_refused(count):
    with pytest.raises(ValueError, match=r"takes \(9,\)"):
        MlpActor([2, 2, 1], np.zeros(count, dtype=np.float32))


def test_new_weights_take_effect():
    policy = MlpActor([1, 1], np.array([0.0, 0.0], dtype=np.float32))
    policy.weights = np.array([2.0, 0.0], dtype=np.float32)
    assert policy(np.array([0.5], dtype=np.float32)).tolist() == pytest.approx([np.tanh(1.0)])
