"""What the agent, the policy and the guard each add to the node that they share."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from ddpg_ros.config.settings import Config
from ddpg_ros.control.controller import Controller

if TYPE_CHECKING:
    from ddpg_ros.ros.nodes.arm_node import ArmNode


class Role(Protocol):
    """What makes an `ArmNode` the agent, the policy or the guard."""

    name: str
    """Of the node, without a remapping."""
    output: str
    """Topic of its torques."""
    input: str
    """Topic of the torques that it passes on; empty if it makes them itself."""

    def adapt(self, config: Config) -> Config:
        """Return the configuration as this role needs it."""

    def open(self, node: "ArmNode", stack: ExitStack) -> Controller:
        """Build the controller and open the role's own topics; `stack` takes what undoes it."""

    def on_timer(self) -> None:
        """Look after the role's own topics, ten times a second."""

    def interrupt(self) -> None:
        """React to a signal, inside its handler: must not block."""
