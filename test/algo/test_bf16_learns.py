"""Learning in bfloat16 ends where learning in float32 does, on five seeds.

The toy environment of the reference, s' = s + a and r = −s'², with networks as on an arm.
"""

import numpy as np
import pytest
import torch

from ddpg_ros.algo.learner import Learner
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.types import Experience, RecordLayout

LAYOUT = RecordLayout(observation_size=1, action_size=1)
HAS_BF16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def miss(seed, precision, updates=1500):
    """How far from zero the learnt actor goes, the root of the mean square over −0.9 … 0.9."""
    settings = LearnerSection(
        mode="eager",
        matmul_precision=precision,
        hidden=[32, 32],
        batch_size=64,
        discount=0.5,
        tau=0.05,
        actor_learning_rate=2e-3,
        critic_learning_rate=2e-3,
    )
    learner, rng = Learner(settings, LAYOUT, seed), np.random.default_rng(seed)
    for s, a in rng.uniform(-1.0, 1.0, (1000, 2)).astype(np.float32):
        following = np.clip(s + a, -1.0, 1.0)
        experience = Experience(
            np.array([s]), np.array([a]), -float((s + a) ** 2), 0.5, np.array([following])
        )
        learner.add(LAYOUT.pack(experience)[None])
    learner.update(updates)
    states = np.linspace(-0.9, 0.9, 37, dtype=np.float32)[:, None]
    with torch.no_grad():
        return float(np.sqrt(np.mean((states + learner.act(states)) ** 2)))


@pytest.mark.slow
@pytest.mark.skipif(not HAS_BF16, reason="this processor multiplies no bfloat16")
def test_bf16_learns_as_well_as_fp32_on_five_seeds():
    exact = [miss(seed, "fp32") for seed in range(5)]
    rounded = [miss(seed, "bf16") for seed in range(5)]
    assert max(exact) < 0.1, exact  # an untrained actor misses by 0.5
    assert max(rounded) < 0.1, rounded
    assert np.median(rounded) < np.median(exact) + 0.02
