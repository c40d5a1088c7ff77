"""Train an arm of your own from its URDF (two_links.urdf), in the simulator, without ROS."""

import sys
from pathlib import Path

import ddpg_ros
from sim.gym_env import ArmEnv

urdf = Path(__file__).with_name("two_links.urdf")
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 25_000

robot = ddpg_ros.Robot.load(str(urdf))
print(robot.describe())
print(f"The fingertip reaches at most {robot.reach:.2f} m; limits {robot.effort_limit} N·m.")

config = ddpg_ros.Config().with_parameters(
    {
        "robot.urdf": str(urdf),
        "robot.torque_limit": [1.5, 0.8],  # [N·m], at most the URDF's
        "task.tolerance": 0.03,  # [m]
        "task.torque_weight": 0.0,
        "sim.gravity": 0.0,  # the arm lies flat
    },
)
learner = {"learner.discount": 0.9, "learner.tau": 0.02, "run.eval_episodes": 20}
run = ddpg_ros.train(ArmEnv(config), steps=steps, settings=learner)
print(f"{run.summary.sentence()}\nThe policy is {run.policy}.")
