"""Evaluate a policy on episodes of its own, and plot how it was learnt."""

import sys

import gymnasium
import numpy as np

import ddpg_ros
from ddpg_ros.cli.curve import draw_learning_curve

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 8_000

run = ddpg_ros.train("Pendulum-v1", steps=steps, settings={"run.eval_episodes": 0})
policy = ddpg_ros.load_policy(run.policy)
env = gymnasium.make("Pendulum-v1")

returns = []
for episode in range(5):
    observation, _ = env.reset(seed=100 + episode)
    rewards, over = [], False
    while not over:
        observation, reward, terminated, truncated, _ = env.step(policy(observation))
        rewards.append(float(reward))
        over = terminated or truncated
    returns.append(sum(rewards))
print(f"{len(returns)} episodes: return {np.mean(returns):.0f} ± {np.std(returns):.0f}")

picture = run.directory / "learning_curve.png"
draw_learning_curve(run.directory / "metrics.csv", picture)
print(f"How it was learnt: {picture}")
