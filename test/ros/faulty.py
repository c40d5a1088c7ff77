"""A node with a mistake of ours in it: one method raises as soon as a file exists.

`DDPG_ROS_FAULT` says which node, method, exception and file, with colons between.
"""

import builtins
import importlib
import os
import sys
from pathlib import Path

from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.worker.client import WorkerClient

METHODS = {
    "tick": (ArmSession, "tick"),  # called for a state
    "check": (ArmSession, "check"),  # by the housekeeping timer
    "reset": (Safety, "reset"),  # by an urgent service
    "save": (WorkerClient, "save"),  # by a service that is not urgent, and a coroutine
    "give_goal": (ArmSession, "give_goal"),  # by a subscription that is not urgent
    "watch": (Safety, "watch"),  # in the watchdog's thread
    "commanded": (Safety, "commanded"),  # for a command
}


def spoil(method: str, kind: type[BaseException], file: Path) -> None:
    """Let a method raise once the file is there."""
    owner, name = METHODS[method]
    proper = getattr(owner, name)

    def faulty(*arguments, **more):
        if file.exists():
            raise kind("a mistake of ours")
        return proper(*arguments, **more)

    setattr(owner, name, faulty)


if __name__ == "__main__":
    node, method, kind, file = os.environ["DDPG_ROS_FAULT"].split(":")
    spoil(method, getattr(builtins, kind), Path(file))
    sys.exit(importlib.import_module(f"ddpg_ros.ros.nodes.{node}").main())
