"""Updates per second of a peer's DDPG on a filled replay.

    echo "1 2.0" | .venv-peers/bin/python benchmarks/peers/speed.py --peer sbx --observation 10 \
        --action 2 --hidden 256 256 --batch 256 --threads 2

A conversation, so that several learners can be measured in turn: one line of JSON once all is
ready, then for each line on stdin, `UPDATES_A_CALL SECONDS`, one line of JSON,
`{"updates_per_s": …}`. The learner keeps to `threads` cores, on a GPU to two at least.
"""

import argparse
import json
import os
import sys
import time
from importlib import metadata
from typing import Any

STORED = 20_000  # transitions in the replay
PACKAGES = {
    "sb3": ("stable_baselines3", "torch"),
    "sbx": ("sbx-rl", "jax", "flax", "optax"),
    "leanrl": ("tensordict", "torchrl", "torch"),
}


def main() -> None:
    """Build the peer's learner, then answer what stdin asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", choices=list(PACKAGES), required=True)
    parser.add_argument("--observation", type=int, required=True)
    parser.add_argument("--action", type=int, required=True)
    parser.add_argument("--hidden", type=int, nargs="+", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--device", default="cpu", help="of the torch peers; SBX computes where JAX does"
    )
    arguments = parser.parse_args()
    keep_to(arguments.threads, arguments.device)
    model = lean_learner(arguments) if arguments.peer == "leanrl" else learner(arguments)
    versions = {name: metadata.version(name) for name in PACKAGES[arguments.peer]}
    print(json.dumps({"versions": versions}), flush=True)
    for line in sys.stdin:
        updates, seconds = line.split()
        rate = updates_per_s(model, arguments.batch, int(updates), float(seconds))
        print(json.dumps({"updates_per_s": rate}), flush=True)


def keep_to(threads: int, device: str) -> None:
    """Pin this process to as many cores as it may use threads; call it before JAX is imported.

    On a GPU to two at least: torch launches a backward pass from a thread of its own.
    """
    cores = threads if device == "cpu" else max(2, threads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"


def learner(arguments: argparse.Namespace) -> Any:
    """Return the DDPG of Stable-Baselines3 or SBX, with a filled replay."""
    import gymnasium
    import numpy as np
    from gymnasium import spaces
    from stable_baselines3.common.logger import configure

    if arguments.peer == "sb3":
        import torch
        from stable_baselines3 import DDPG

        torch.set_num_threads(arguments.threads)
    else:
        from sbx import DDPG

    class Idle(gymnasium.Env[Any, Any]):
        """Spaces and nothing else."""

        observation_space = spaces.Box(-1.0, 1.0, (arguments.observation,), np.float32)
        action_space = spaces.Box(-1.0, 1.0, (arguments.action,), np.float32)

    model = DDPG(
        "MlpPolicy",
        Idle(),
        batch_size=arguments.batch,
        policy_kwargs={"net_arch": arguments.hidden},
        buffer_size=STORED,
        device=arguments.device,
        seed=0,
    )
    model.set_logger(configure(None, []))
    rng = np.random.default_rng(0)

    def normal(size: int) -> Any:
        return rng.normal(size=(1, size)).astype(np.float32)

    for _ in range(STORED):
        model.replay_buffer.add(
            normal(arguments.observation),
            normal(arguments.observation),
            np.clip(normal(arguments.action), -1.0, 1.0),
            normal(1)[0],
            np.array([False]),
            [{}],
        )
    return model


def lean_learner(arguments: argparse.Namespace) -> Any:
    """Return LeanRL's way of it, with a filled replay."""
    os.environ["TORCHRL_CONSOLE_STREAM"] = "stderr"
    import torch
    from lean_ddpg import WARM_UPS, LeanDdpg
    from tensordict import TensorDict

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    o, a = arguments.observation, arguments.action
    replay = TensorDict(
        observation=torch.randn(STORED, o),
        next_observation=torch.randn(STORED, o),
        action=torch.randn(STORED, a).clamp(-1.0, 1.0),
        reward=torch.randn(STORED),
        done=torch.zeros(STORED, dtype=torch.bool),
        batch_size=STORED,
    )
    model = LeanDdpg(o, a, arguments.hidden, arguments.device, replay)
    model.train(WARM_UPS, arguments.batch)
    return model


def updates_per_s(model: Any, batch: int, updates: int, seconds: float) -> float:
    """Update for about `seconds` [s], `updates` a call; every peer ends a call with its losses."""
    model.train(gradient_steps=updates, batch_size=batch)  # compiled and warm
    done, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        model.train(gradient_steps=updates, batch_size=batch)
        done += updates
    return done / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
