"""What the process that learners are forked from imports; see `warm.py`."""

import os

import ddpg_ros.worker.loop
import ddpg_ros.worker.main  # noqa: F401
from test.warm import owner

os.getppid = owner  # its own parent is the process that it was forked from
