"""Train a peer's DDPG on a Gymnasium environment; print one JSON document.

    .venv-peers/bin/python benchmarks/peers/train.py --peer sb3 --env Pendulum-v1 --steps 5000

`setup_s` is all before the first environment step, SBX's compilation included; `train_wall_s` is
the training alone; `returns` are those of the greedy episodes; `curve` holds (step, return) of
each training episode.
"""

import argparse
import itertools
import json
import os
import time
from importlib import metadata
from typing import Any

import gymnasium
import numpy as np

EVALUATION_SEED = 1_000_000  # first of the greedy episodes'; no training has that many episodes


def main() -> None:
    """Train, then play greedily."""
    arguments = parse()
    began = time.perf_counter()
    model = learner(arguments)
    ready = time.perf_counter()
    model.learn(arguments.steps, log_interval=None)
    trained = time.perf_counter()
    monitor = model.get_env().envs[0]
    ends = itertools.accumulate(monitor.get_episode_lengths())
    curve = [list(pair) for pair in zip(ends, monitor.get_episode_rewards(), strict=True)]
    returns = greedy(model, arguments)
    document = {
        "peer": arguments.peer,
        "arguments": vars(arguments),
        "setup_s": ready - began,
        "train_wall_s": trained - ready,
        "returns": returns,
        "mean_return": float(np.mean(returns)),
        "curve": curve,
        "versions": {name: metadata.version(name) for name in ("stable_baselines3", "sbx-rl")},
    }
    print(json.dumps(document))


def parse() -> argparse.Namespace:
    """Return the arguments; the defaults are those of `ddpg-ros train --gym`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", choices=["sb3", "sbx"], required=True)
    parser.add_argument("--env", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 64])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3, help="Adam's, of actor and critic")
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--tau", type=float, default=0.01)
    parser.add_argument("--warmup", type=int, default=500, help="random steps before learning")
    parser.add_argument("--noise", type=float, default=0.2, help="sigma, Gaussian, constant")
    parser.add_argument("--replay", type=int, default=200_000)
    parser.add_argument("--episodes", type=int, default=10, help="greedy, after the training")
    parser.add_argument("--threads", type=int, default=1, help="of matrix work; SBX: 1, or all")
    return parser.parse_args()


def learner(arguments: argparse.Namespace) -> Any:
    """Return the peer's DDPG, compiled."""
    from stable_baselines3.common.noise import NormalActionNoise

    if arguments.peer == "sb3":
        import torch
        from stable_baselines3 import DDPG

        torch.set_num_threads(arguments.threads)
    else:
        if arguments.threads == 1:
            os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        from sbx import DDPG

    env = gymnasium.make(arguments.env)
    (size,) = env.action_space.shape or ()
    more = {"qf_learning_rate": arguments.lr} if arguments.peer == "sbx" else {}
    model = DDPG(
        "MlpPolicy",
        env,
        learning_rate=arguments.lr,
        batch_size=arguments.batch,
        gamma=arguments.gamma,
        tau=arguments.tau,
        learning_starts=arguments.warmup,
        buffer_size=arguments.replay,
        action_noise=NormalActionNoise(np.zeros(size), np.full(size, arguments.noise)),
        policy_kwargs={"net_arch": arguments.hidden},
        device="cpu",
        seed=arguments.seed,
        **more,
    )
    if arguments.peer == "sbx":
        compile_update(model, arguments.batch)
    return model


def compile_update(model: Any, batch: int) -> None:
    """Have JAX compile acting and updating, and leave the model as it was."""
    from stable_baselines3.common.logger import configure

    model.set_logger(configure(None, []))
    observation = model.observation_space.sample()[None]
    action = model.action_space.sample()[None]
    model.replay_buffer.add(observation, observation, action, np.zeros(1), np.array([False]), [{}])
    before = model.policy.actor_state, model.policy.qf_state, model.key
    model.predict(observation)
    model.train(gradient_steps=1, batch_size=batch)
    model.policy.actor_state, model.policy.qf_state, model.key = before
    model.replay_buffer.reset()
    model._n_updates = 0


def greedy(model: Any, arguments: argparse.Namespace) -> list[float]:
    """Return what each greedy episode came to."""
    env = gymnasium.make(arguments.env)
    returns = []
    for episode in range(arguments.episodes):
        observation, _ = env.reset(seed=EVALUATION_SEED + 1000 * arguments.seed + episode)
        total, over = 0.0, False
        while not over:
            action, _ = model.predict(observation, deterministic=True)
            observation, reward, terminated, truncated, _ = env.step(action)
            total, over = total + float(reward), terminated or truncated
        returns.append(total)
    return returns


if __name__ == "__main__":
    main()
