"""Train a task of your own, in a file of your own (hover.py), without ROS."""

import sys
from pathlib import Path

import ddpg_ros
from sim.gym_env import ArmEnv

sys.path.append(str(Path(__file__).parent))  # where hover.py is
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000

config = ddpg_ros.Config().with_parameters(
    {
        "task.name": "hover:Hover",
        "task.height": 0.1,
        "robot.urdf": "pendulum",
        "robot.gravity": "none",  # the weight is part of the task
    }
)
run = ddpg_ros.train(ArmEnv(config), steps=steps)
print(f"{run.summary.sentence()}\nThe policy is {run.policy}.")
print(f"Over ROS 2: cd {Path(__file__).parent}")
print("            ddpg-ros train --config swing_up --set task.name=hover:Hover")
