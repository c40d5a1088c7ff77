"""A node that has a process to itself: its command line, and how it is taken down."""

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.subscription import Subscription
from rosgraph_msgs.msg import Clock

from ddpg_ros.errors import ConfigError
from ddpg_ros.ros.runtime.arguments import Arguments

_NOTHING = Arguments()
_OF_ROS = ("use_sim_time", "start_type_description_service", "qos_overrides.")
"""Parameters that rclpy itself declares."""


class MainNode(Node):
    """A node that has a process to itself."""

    finished = False
    """Set by the node when it has nothing left to do."""

    def __init__(self, name: str, arguments: Arguments = _NOTHING) -> None:
        """Make a node.

        Args:
            name: what it is called without a remapping.
            arguments: its command line.

        Raises:
            ConfigError: the settings of the command line are ambiguous, or a parameter of ROS's
                own has a value of another kind.
        """
        self.given: dict[str, Any] = arguments.settings(name)
        """The settings of the command line, by the name of the parameter."""
        self.source = f"the parameters of {arguments.node_name(name)}{arguments.origin}"
        """How to name that command line in a sentence."""
        of_ros = [self._of_ros(key) for key in list(self.given) if key.startswith(_OF_ROS)]
        super().__init__(name, parameter_overrides=of_ros)
        if self.get_fully_qualified_name() != arguments.node_name(name):
            raise ConfigError(
                f"the remappings make this node {self.get_fully_qualified_name()}, and its "
                f"settings are for {arguments.node_name(name)}; use -r __node:= and -r __ns:=/…"
            )
        self.urgent: set[object] = set()
        """Subscriptions, timers, clients and services that the executor waits for itself; the
        others are looked at ten times a second. May change at any time."""

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable[..., Any], *more: Any, **options: Any
    ) -> Subscription:
        """Subscribe as rclpy does, except for its own subscription to the simulated time.

        rclpy's callback raises if a time is before zero, and fails later if it is beyond what a
        message holds. Such a time is dropped.
        """
        if msg_type is Clock:
            callback = partial(_pass_on_time, callback)
        return super().create_subscription(msg_type, topic, callback, *more, **options)

    def _of_ros(self, name: str) -> Parameter:
        value = self.given.pop(name)
        if isinstance(value, bool) or name.startswith("qos_overrides."):
            try:
                return Parameter(name, value=value)
            except TypeError:
                pass
        raise ConfigError(f"{self.source}: {name} is {value!r}; expected true or false.")

    def start(self) -> None:
        """Begin, once ROS is up."""

    def interrupt(self) -> None:
        """React to SIGINT, SIGTERM or SIGHUP, inside the signal handler: must not block."""

    def failed(self, error: BaseException) -> None:
        """React to the failure of a callback, before `rest`; may fail, too."""

    def rest(self) -> None:
        """Bring to rest what the node moves; may raise, but only after that."""

    def end(self) -> None:
        """Leave nothing behind, no file and no process; a second call does nothing."""

    def destroy_node(self) -> None:
        """End, and leave the graph."""
        try:
            self.end()
        finally:
            super().destroy_node()


def _pass_on_time(take: Callable[[Clock], None], message: Clock) -> None:
    if message.clock.sec >= 0 and message.clock.nanosec < 1_000_000_000:
        take(message)
