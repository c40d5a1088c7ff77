"""A training on the simulated arm in lock-step, without topics: session, worker and physics.

`python -m test.training.arm_in_process RUN [KILL]` begins the run of that directory, or resumes it
if it has begun. It kills itself with SIGKILL after KILL steps.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from ddpg_ros.config.parameter_file import load_config, save_config
from ddpg_ros.safety.arming import ARMING_STATES
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.types import JointState
from sim.world import World

SETTINGS = {
    "run.steps": 420,  # ends within an episode
    "run.seed": 6,
    "run.eval_episodes": 2,
    "run.checkpoint_every": 100,
    "safety.ramp_seconds": 0.0,
    "learner.hidden": [16],
    "learner.batch_size": 16,
    "learner.warmup_steps": 120,
    "learner.mode": "eager",
}


def main(run: Path, kill_after: int) -> None:
    resume = (run / "config.yaml").exists()
    given = SETTINGS | {"run.directory": str(run), "run.resume": resume}
    config = load_config("reach").with_parameters(given)
    if not resume:
        save_config(config, run / "config.yaml")
    session = ArmSession(config, run)
    world = World(session.robot, config.sim)
    starts = np.random.default_rng(np.random.SeedSequence((config.run.seed, 1)))
    world.reset(starts)
    world.skip_resets(starts, session.training.begun)  # as the simulator's resets_before
    session.worker.wait_until_ready()
    state = world.state(1)
    for _ in range(ARMING_STATES):
        still = JointState(1, state.position, np.zeros_like(state.velocity))
        session.safety.heard(still, time.monotonic())
    session.safety.arm(time.monotonic(), anywhere=True)
    steps = 0
    while session.next_episode(state):
        world.reset(starts)
        tick = session.tick(state := world.state(state.stamp + 1), config.control.period)
        while not tick.over:
            world.step(tick.torque, config.substeps)
            state = world.state(state.stamp + round(1e9 * config.control.period))
            tick = session.tick(state, config.control.period)
            steps += 1
            if steps == kill_after:
                os.kill(os.getpid(), signal.SIGKILL)
    session.close(0, interrupted=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else -1)
