"""The reference's toy environment, learnt to its end by the production update.

s' = s + a and r = −s'², so that μ(s) = −s is best. The critic has the features 1, s², s a, a²: the
true Q = −(s + a)² is among them, and a linear one, as in the worked example, has no best action.
"""

import numpy as np
import pytest
import torch

from ddpg_ros.algo.networks import Networks
from ddpg_ros.algo.optimisers import adam
from ddpg_ros.algo.replay import Replay, unpack
from ddpg_ros.algo.update import Hyperparameters, LearnerState, update
from ddpg_ros.control.noise import GaussianNoise
from ddpg_ros.types import Experience, RecordLayout

LAYOUT = RecordLayout(observation_size=1, action_size=1)
DISCOUNT = 0.9
LIMIT = torch.tensor(1000.0)
HYPER = Hyperparameters(tau=0.05, actor_learning_rate=0.01, critic_learning_rate=0.03)


def linear_actor(parameters, observation):
    return parameters * observation  # μ(s) = θ s


def quadratic_critic(parameters, observation, action):
    s, a = observation, action
    features = torch.cat((torch.ones_like(s), s * s, s * a, a * a), dim=-1)
    return features @ parameters


def train(theta, seed, steps=1500):
    state = LearnerState.initial(torch.tensor([theta]), torch.zeros(1, 4))
    networks = Networks(linear_actor, quadratic_critic, squash=lambda preactivation: preactivation)
    rng = np.random.default_rng(seed)
    noise = GaussianNoise(1, rng)
    generator = torch.Generator().manual_seed(seed)
    replay = Replay(1000, LAYOUT)
    rows = torch.zeros(64, dtype=torch.int64)
    for step in range(steps):
        if step % 5 == 0:
            s = rng.uniform(-2.0, 2.0, 1).astype(np.float32)
        a = state.actor.numpy() * s + noise.sample(0.5)
        following = s + a
        reward = -float(following[0] ** 2)
        record = LAYOUT.pack(Experience(s, a, reward, DISCOUNT, following))
        replay.add(torch.from_numpy(record)[None])
        s = following
        if step >= 50:
            replay.draw(rows, generator)
            batch = unpack(LAYOUT, replay.storage[rows])
            state, _ = update(state, batch, networks, adam, HYPER, LIMIT)
    return state


@pytest.mark.slow
@pytest.mark.parametrize(("theta", "seed"), [(-0.5, 0), (0.3, 1)])
def test_the_actor_learns_to_go_to_zero_in_one_step(theta, seed):
    learnt = train(theta, seed)
    assert abs(learnt.actor.item() + 1.0) < 0.05
    # Q = −(s + a)²: the bootstrap adds nothing where the next action goes to zero. A constant
    # error fades only by 1 − γ an update of the targets, and moves no action.
    assert learnt.critics[0][1:].tolist() == pytest.approx([-1.0, -2.0, -1.0], abs=0.15)
