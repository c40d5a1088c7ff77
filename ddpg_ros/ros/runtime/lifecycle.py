"""A managed node: the lifecycle of ROS 2 over four hooks.

`configure` loads and validates, `activate` begins to command, `deactivate` commands zero torque
and ends that, `cleanup` leaves nothing behind. With the parameter `autostart` (the default)
the node takes the first two steps by itself.
"""

from collections.abc import Callable

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle.node import LifecycleNodeMixin

from ddpg_ros.config.settings import Value
from ddpg_ros.errors import DdpgRosError
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import MainNode

AUTOSTART: dict[str, Value] = {"autostart": True}
"""The parameter that every managed node has beside the configuration."""

_SUCCESS = TransitionCallbackReturn.SUCCESS
_FAILURE = TransitionCallbackReturn.FAILURE
_ERROR = TransitionCallbackReturn.ERROR


class ManagedNode(LifecycleNodeMixin, MainNode):
    """Subclasses fill in the hooks; each is called only in the state in which it makes sense."""

    def __init__(self, name: str, arguments: Arguments) -> None:
        """Make an unconfigured node; `arguments` are its command line."""
        MainNode.__init__(self, name, arguments)
        LifecycleNodeMixin.__init__(self)
        self.configured = False
        self.active = False
        self._problem: Exception | None = None
        self._refuse_politely()

    def configure(self) -> None:
        """Load and validate; what was begun is undone where it fails."""

    def activate(self) -> None:
        """Begin to command."""

    def deactivate(self) -> None:
        """Command zero torque, and then nothing."""

    def last_resort(self) -> None:
        """Send zero torque where `deactivate` has failed, by nothing that can have failed."""

    def cleanup(self) -> None:
        """Leave nothing behind."""

    def _refuse_politely(self) -> None:
        """Answer a transition that the present state does not have; rclpy raises there."""
        service = next(s for s in self.services if s.srv_type is ChangeState)
        change = service.callback

        def answer(
            request: ChangeState.Request, response: ChangeState.Response
        ) -> ChangeState.Response:
            try:
                return change(request, response)
            except RuntimeError as error:  # rclpy's; what our hooks raise does not come here
                self.get_logger().warning(f"transition refused: {error}")
                response.success = False
                return response

        service.callback = answer

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
        return self._try(self._prepare, _FAILURE)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run the hook; a refusal leaves the node inactive."""
        done = self._try(self._begin, _FAILURE)
        if done is not _SUCCESS:
            self.rest()
        return done

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run the hook."""
        return self._try(self.rest)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run the hook."""
        return self._try(self._clean)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run what is left of the hooks, and end the process."""
        done = self._try(self.end)
        self.finished = True
        return done

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go back to unconfigured, safely."""
        return self._try(self.end)

    def _try(
        self, hook: Callable[[], None], refusal: TransitionCallbackReturn = _ERROR
    ) -> TransitionCallbackReturn:
        """Run a hook and keep what it raises, which rclpy would swallow.

        What failed on the way down is an error: rclpy goes on to `on_error`, and unconfigured.
        """
        try:
            hook()
        except Exception as error:
            self._problem = self._problem or error
            return refusal
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
            self.rest()
        finally:
            self._clean()

    def _prepare(self) -> None:
        self.configure()
        self.configured = True

    def _begin(self) -> None:
        self.active = True
        self.activate()

    def rest(self) -> None:
        """Deactivate where that is still to do: zero torque goes out, whatever fails.

        Every way down leads through here: a transition, an exception in any callback, a signal.
        """
        if not self.active:
            return
        try:
            self.deactivate()
        except BaseException:
            self.last_resort()
            raise
        finally:
            self.active = False

    def _clean(self) -> None:
        if self.configured:
            self.configured = False
            self.cleanup()

    def destroy_node(self) -> None:
        """End, and leave the graph; raises what a transition has raised."""
        try:
            super().destroy_node()
        finally:
            self._state_machine.destroy_when_not_in_use()  # rclpy forgets it; it keeps the node
        self.raise_problem()
