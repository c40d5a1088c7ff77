"""The command line, as in the tests of the command line."""

from test.cli.conftest import arm_policy, ddpg_ros

__all__ = ["arm_policy", "ddpg_ros"]
