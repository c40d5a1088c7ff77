"""Stable-Baselines3's DDPG and TD3 on the arms of `benchmarks.learning`, by the same environment.

    .venv/bin/python -m benchmarks.arm_peers [--tasks reach UR5] [--peers ddpg td3] [--seeds 0]

A task is a configuration of ours, or an arm with what `ddpg-ros robot FILE` writes. The peer
trains in `sim.gym_env.ArmEnv` with the configuration's number of steps, networks, minibatch,
discount, critic's learning rate, soft update, warm-up and `noise.sigma` (Gaussian); the rest is
the peer's default. Then come 100 greedy episodes. That environment has no guard: the peer's
torques reach the arm as they are. Writes `results/arm_peers.json` after each run; what it holds of
other runs stays. Needs stable-baselines3: `make setup-bench`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arms import robots
from benchmarks.learning import FOREIGN, LIMIT_S, curve_of
from benchmarks.speed.results import describe_machine, write_results
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import Config
from sim.gym_env import ArmEnv

RESULTS = Path(__file__).resolve().parent / "results" / "arm_peers.json"
EPISODES = 100  # greedy, after the training
EVALUATION_SEED = 1_000_000


def main() -> None:
    """Train each peer on each task and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=["reach"], choices=[*LIMIT_S, *FOREIGN])
    parser.add_argument("--peers", nargs="+", default=["ddpg", "td3"], choices=["ddpg", "td3"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    arguments = parser.parse_args()
    for task in arguments.tasks:
        config = settings_of(task)
        for peer in arguments.peers:
            for seed in arguments.seeds:
                run = train(config, peer, seed)
                shown = {name: value for name, value in run.items() if name != "curve"}
                print(task, json.dumps(shown), flush=True)
                keep({"task": task, **run, **describe_machine()})


def settings_of(task: str) -> Config:
    """Return the configuration of a task."""
    if task not in FOREIGN:
        return load_config(task)
    with tempfile.TemporaryDirectory() as folder:
        arm, file = FOREIGN[task], str(Path(folder) / "arm.yaml")
        show = [sys.executable, "-m", "ddpg_ros.cli.main", "robot", str(robots() / arm.file)]
        show += ["--tip", arm.tip, "--out", file]
        subprocess.run(show, check=True, stdout=subprocess.DEVNULL)
        return load_config(file)


def train(config: Config, peer: str, seed: int) -> dict[str, Any]:
    """Train and play greedily; return the figures, and the success over the steps."""
    from stable_baselines3 import DDPG, TD3
    from stable_baselines3.common.noise import NormalActionNoise

    rows: list[tuple[float, float]] = []  # step and success of each episode

    def note(now: dict[str, Any], _: dict[str, Any]) -> bool:
        if now["dones"][0]:
            rows.append((float(now["self"].num_timesteps), float(now["infos"][0]["is_success"])))
        return True

    torch.set_num_threads(1)
    learner, env = config.learner, ArmEnv(config)
    (size,) = env.action_space.shape or ()
    began = time.perf_counter()
    model = {"ddpg": DDPG, "td3": TD3}[peer](
        "MlpPolicy",
        env,
        learning_rate=learner.critic_learning_rate,
        batch_size=learner.batch_size,
        gamma=learner.discount,
        tau=learner.tau,
        learning_starts=learner.warmup_steps,
        buffer_size=learner.replay_capacity,
        action_noise=NormalActionNoise(np.zeros(size), np.full(size, config.noise.sigma)),
        policy_kwargs={"net_arch": list(learner.hidden)},
        device="cpu",
        seed=seed,
    )
    model.learn(config.run.steps, callback=note, log_interval=None)
    took = time.perf_counter() - began
    env.close()
    return {
        "peer": peer,
        "seed": seed,
        "steps": config.run.steps,
        "train_wall_s": took,
        "success_rate": success_of(model, config, seed),
        "stable_baselines3": metadata.version("stable-baselines3"),
        "curve": curve_of(rows),
    }


def success_of(model: Any, config: Config, seed: int) -> float:
    """Return the share of greedy episodes that succeed."""
    env, successes = ArmEnv(config), 0
    for episode in range(EPISODES):
        observation, info = env.reset(seed=EVALUATION_SEED + 1000 * seed + episode)
        over = False
        while not over:
            action, _ = model.predict(observation, deterministic=True)
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        successes += bool(info["is_success"])
    env.close()
    return successes / EPISODES


def keep(run: dict[str, Any]) -> None:
    """Write a run beside those of the other tasks, peers and seeds."""
    runs = json.loads(RESULTS.read_text(encoding="utf-8"))["runs"] if RESULTS.exists() else []
    same = [run[name] for name in ("task", "peer", "seed")]
    others = [one for one in runs if [one[name] for name in ("task", "peer", "seed")] != same]
    runs = sorted([*others, run], key=lambda one: (one["task"], one["peer"], one["seed"]))
    write_results({"benchmark": "arm_peers", "runs": runs}, RESULTS)


if __name__ == "__main__":
    main()
