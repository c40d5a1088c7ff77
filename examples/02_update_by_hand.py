"""DDPG's update by hand, on the toy environment s' = s + a with reward −s'²: best is a = −s."""

import sys

import numpy as np

from ddpg_ros import Learner
from ddpg_ros.types import Transition

updates = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000

settings = {"learner.discount": 0.9, "learner.tau": 0.05, "learner.batch_size": 64}
learner = Learner.for_sizes(1, 1, settings=settings)
rng = np.random.default_rng(0)

for _ in range(1_000):  # experience of random actions, which DDPG learns from as well
    state, action = rng.uniform(-1.0, 1.0, (2, 1)).astype(np.float32)
    following = state + action
    reward = -float(following[0] ** 2)
    learner.add_transition(Transition(state, action, reward, False, following))

for _ in range(10):
    report = learner.update(max(1, updates // 10))
    states = np.linspace(-0.8, 0.8, 5, dtype=np.float32)[:, None]
    error = np.abs(learner.act(states) + states).max()
    loss = np.mean(report.column("critic_loss"))
    print(f"{learner.updates:5d} updates: critic's loss {loss:.4f}, policy off by {error:.2f}")
