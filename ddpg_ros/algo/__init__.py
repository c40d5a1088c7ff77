"""DDPG in PyTorch: the learner's half; no ROS, no tasks, no PyBullet."""
