"""How messages travel: over UDP, and on this host alone unless somebody says more.

Never through the shared memory of Fast DDS. Somebody who is killed may leave his port there such
that whoever sends to it next stands still until a health check gives it up, a third of a second
later, while the motors hold the last torque; `benchmarks/kills.py` counts that.
"""

import os
from collections.abc import MutableMapping
from pathlib import Path

from rclpy.utilities import get_rmw_implementation_identifier

_RANGE, _PEERS = "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS"
_ONLY = "ROS_LOCALHOST_ONLY"  # deprecated; where it is 1, it overrules the range
_PROFILES, _TRANSPORTS = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS"
_ON_THIS_HOST = str(Path(__file__).with_name("udp_on_this_host.xml"))


def choose_transport(environment: MutableMapping[str, str] = os.environ) -> None:
    """Say so in the environment, from which rclpy and Fast DDS read it; before `rclpy.init`.

    For LOCALHOST, rmw_fastrtps adds shared memory whatever Fast DDS is told, so a profile of ours
    stands in for it. Who has profiles of their own, static peers on this host or another
    middleware is left alone.
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
