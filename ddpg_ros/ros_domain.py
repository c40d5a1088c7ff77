"""The ROS domain of this process. Standard library alone."""

import os

from ddpg_ros.errors import ConfigError

HIGHEST_DOMAIN = 232  # the ports of a higher one would exceed 65535


def require_ros_domain() -> None:
    """Check ROS_DOMAIN_ID; unset and empty mean 0.

    Raises:
        ConfigError: not a number, or one for which DDS has no ports.
    """
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    if not (domain.isascii() and domain.isdecimal() and int(domain) <= HIGHEST_DOMAIN):
        raise ConfigError(f"ROS_DOMAIN_ID is {domain}; expected 0 to {HIGHEST_DOMAIN}.")
