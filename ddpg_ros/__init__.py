"""Learning torque control on robot arms over ROS 2 with DDPG."""

import logging

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())
