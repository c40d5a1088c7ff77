"""What every task promises on every arm."""

import math

import numpy as np

from ddpg_ros.config.settings import task_settings
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks import make_task
from ddpg_ros.tasks.joint_space import JointSpace
from ddpg_ros.types import JointState

TASKS = ("joints", "pose", "track", "hold")
PERIOD = 40_000_000  # [ns]


def require_fit(arm: Robot, name: str, rng: np.random.Generator) -> None:
    """Run two short episodes of a task at random states; check all that comes of them.

    Observations and rewards are finite and of the size that the task states, and the goal is one
    that the arm can meet.
    """
    size, space = len(arm.joints), JointSpace(arm)
    task = make_task(task_settings({"name": name}), arm)
    off = np.minimum(1.0, arm.velocity_limit)  # half of what a joint travels in a second
    for _ in range(2):
        task.reset(rng)
        start = rng.uniform(space.lower, space.upper)
        for tick in range(4):
            here = JointState(
                tick * PERIOD,
                start + rng.uniform(-0.5, 0.5, size) * off * (tick > 0),
                rng.uniform(-1.0, 1.0, size) * arm.velocity_limit,
            )
            task.advance(here)
            seen = task.observe(here)
            assert seen.shape == (task.observation_size,) and seen.dtype == np.float32
            assert np.isfinite(seen).all() and np.abs(seen).max() < 100.0
            terms = task.reward(here, rng.uniform(-1.0, 1.0, size).astype(np.float32))
            assert tuple(terms) == task.terms
            assert all(math.isfinite(value) for value in terms.values())
            assert isinstance(task.success(here), bool)
        met = task.goals.meet(task.goal, arm, JointState(0, start, np.zeros(size)))
        assert task.goals.fault(met, arm) == ""
