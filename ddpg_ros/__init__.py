"""Learning torque control on robot arms over ROS 2 with DDPG."""

__version__ = "0.1.0"
