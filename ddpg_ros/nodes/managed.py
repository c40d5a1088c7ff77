"""A managed node: the lifecycle of ROS 2 over four hooks.

`configure` loads and validates, `activate` begins to command, `deactivate` commands zero torque
and ends that, `cleanup` leaves nothing behind. With the parameter `autostart` (the default)
the node takes the first two steps by itself.
"""

from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle.node import LifecycleNodeMixin

from ddpg_ros.config import Value
from ddpg_ros.errors import DdpgRosError
from ddpg_ros.nodes.run import MainNode

AUTOSTART: dict[str, Value] = {"autostart": True}
"""The parameter that every managed node has beside the configuration."""

_SUCCESS = TransitionCallbackReturn.SUCCESS


class ManagedNode(LifecycleNodeMixin, MainNode):
    """Subclasses fill in the hooks; each is called only in the state in which it makes sense."""

    def __init__(self, name: str) -> None:
        """Make an unconfigured node."""
        MainNode.__init__(self, name)
        LifecycleNodeMixin.__init__(self)
        self.configured = False
        self.active = False
        self._problem: Exception | None = None

    def configure(self) -> None:
        """Load and validate; what was begun is undone where it fails."""

    def activate(self) -> None:
        """Begin to command."""

    def deactivate(self) -> None:
        """Command zero torque, and then nothing; must not fail."""

    def cleanup(self) -> None:
        """Leave nothing behind."""

    def start(self) -> None:
        """Configure and activate where `autostart` says so; raises what they raise."""
        if bool(self.get_parameter("autostart").value):
            self.trigger_configure()
            self.raise_problem()
            self.trigger_activate()
            self.raise_problem()

    def raise_problem(self) -> None:
        """Raise what a transition raised; rclpy itself would swallow it."""
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run the hook; a refusal leaves the node unconfigured."""
        try:
            self.configure()
        except Exception as error:
            self._problem = error
            return TransitionCallbackReturn.FAILURE
        self.configured = True
        return _SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run the hook; a refusal leaves the node inactive."""
        try:
            self.active = True
            self.activate()
        except Exception as error:
            self._problem = error
            self._rest()
            return TransitionCallbackReturn.FAILURE
        return _SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run the hook."""
        self._rest()
        return _SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run the hook."""
        self._clean()
        return _SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run what is left of the hooks, and end the process."""
        self.end()
        self.finished = True
        return _SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go back to unconfigured, safely."""
        self.end()
        return _SUCCESS

    def keep_order(self) -> None:
        """Say what a service's transition raised: a refusal goes to the log, a mistake ends us."""
        if isinstance(self._problem, DdpgRosError):
            self.get_logger().error(str(self._problem))
            self._problem = None
        self.raise_problem()

    def end(self) -> None:
        """Deactivate and clean up, as far as that is still to do."""
        try:
            self._rest()
        finally:
            self._clean()

    def _rest(self) -> None:
        if self.active:
            self.active = False
            self.deactivate()

    def _clean(self) -> None:
        if self.configured:
            self.configured = False
            self.cleanup()

    def destroy_node(self) -> None:
        """Deactivate, clean up and leave the graph."""
        try:
            self.end()
        finally:
            super().destroy_node()
