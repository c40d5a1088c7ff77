"""Train on a Gymnasium environment, and run the policy that came of it with numpy alone."""

import sys

import gymnasium

import ddpg_ros

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 8_000

run = ddpg_ros.train("Pendulum-v1", steps=steps, seed=0)
print(f"{run.summary.sentence()}\nThe policy is {run.policy}.")

policy = ddpg_ros.load_policy(run.policy)
env = gymnasium.make("Pendulum-v1")
observation, _ = env.reset(seed=1)
total, over = 0.0, False
while not over:
    observation, reward, terminated, truncated, _ = env.step(policy(observation))
    total, over = total + float(reward), terminated or truncated
print(f"One more episode: return {total:.0f}.")
