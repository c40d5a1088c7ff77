"""How messages travel: over UDP, and on this host alone unless the environment asks for more.

They never travel through the shared memory of Fast DDS. A process that is killed may leave a port
there that stalls the next sender until a health check gives the port up, a third of a second
later, while the motors hold the last torque; `benchmarks/kills.py` counts that.
"""

import os
from collections.abc import MutableMapping
from pathlib import Path

from rclpy.utilities import get_rmw_implementation_identifier

_RANGE, _PEERS = "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS"
_ONLY = "ROS_LOCALHOST_ONLY"  # deprecated; if it is 1, it overrules the range
_PROFILES, _TRANSPORTS = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS"
_ON_THIS_HOST = str(Path(__file__).with_name("udp_on_this_host.xml"))


def choose_transport(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables that rclpy and Fast DDS read; to be called before `rclpy.init`.

    For LOCALHOST, rmw_fastrtps adds shared memory whatever Fast DDS is configured to use, so a
    profile of ours replaces that range. A user's own profiles, static peers on this host and other
    middlewares are left alone.
    """
    if environment.get(_ONLY) == "1":
        environment[_RANGE] = "LOCALHOST"
    local = environment.setdefault(_RANGE, "LOCALHOST") == "LOCALHOST"
    foreign = environment.get(_PROFILES, _ON_THIS_HOST) != _ON_THIS_HOST
    if foreign or "fastrtps" not in get_rmw_implementation_identifier():
        return
    if not local:
        environment.setdefault(_TRANSPORTS, "UDPv4")
    elif not environment.get(_PEERS):
        environment[_PROFILES] = _ON_THIS_HOST
        environment[_RANGE] = "SYSTEM_DEFAULT"
        environment.pop(_ONLY, None)
