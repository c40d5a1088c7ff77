"""The command line, as in the tests of the command line, and the worker tests' puppets."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))  # the spawned workers' own modules

from test.cli.conftest import arm_policy, ddpg_ros

__all__ = ["arm_policy", "ddpg_ros"]
