"""The lifecycle of a managed node over five hooks, and what holds if one of them fails.

`configure` loads and validates, `activate` begins to command, `deactivate` commands zero torque
and ends that (`last_resort` does if it fails), `cleanup` leaves nothing behind. With the parameter
`autostart` (the default) the node takes the first two steps by itself.
"""

from collections.abc import Callable
from typing import Any, Protocol

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

from ddpg_ros.errors import DdpgRosError

_SUCCESS = TransitionCallbackReturn.SUCCESS
_FAILURE = TransitionCallbackReturn.FAILURE
_ERROR = TransitionCallbackReturn.ERROR

Transition = Callable[[LifecycleState], TransitionCallbackReturn]


class Hooks(Protocol):
    """What a node does at its transitions; each is called only in a state in which it can be."""

    finished: bool
    """Set after a shutdown."""

    def configure(self) -> None:
        """Load and validate; what was begun is undone if it fails."""

    def activate(self) -> None:
        """Begin to command."""

    def deactivate(self) -> None:
        """Command zero torque, and then nothing."""

    def last_resort(self) -> None:
        """Send zero torque when `deactivate` has failed, by nothing that can have failed."""

    def cleanup(self) -> None:
        """Leave nothing behind."""


class Lifecycle:
    """Runs the hooks of a node, and keeps what they raise."""

    def __init__(self, hooks: Hooks) -> None:
        """Begin unconfigured."""
        self._hooks = hooks
        self._problem: Exception | None = None
        self.configured = False
        self.active = False

    def callbacks(self) -> dict[str, Transition]:
        """Return the callbacks of rclpy's `LifecycleNodeMixin`, by name."""
        return {
            "on_configure": lambda _: self._try(self._configure, _FAILURE),
            "on_activate": self._on_activate,
            "on_deactivate": lambda _: self._try(self.rest),
            "on_cleanup": lambda _: self._try(self._clean),
            "on_shutdown": self._on_shutdown,
            "on_error": lambda _: self._try(self.end),  # back to unconfigured
        }

    def start(self, node: Any) -> None:
        """Configure and activate a node, whose lifecycle this is; raises what its hooks raise."""
        node.trigger_configure()
        self.raise_problem()
        node.trigger_activate()
        self.raise_problem()

    def raise_problem(self) -> None:
        """Raise what a transition raised; rclpy itself would swallow it."""
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

    def keep_order(self, node: Node) -> None:
        """Raise what a transition by service raised; a refusal only goes to the node's log."""
        if isinstance(self._problem, DdpgRosError):
            node.get_logger().error(str(self._problem))
            self._problem = None
        self.raise_problem()

    def rest(self) -> None:
        """Deactivate if that is still to do: zero torque goes out, whatever fails.

        Every way down leads through here: a transition, an exception in any callback, a signal.
        """
        if not self.active:
            return
        try:
            self._hooks.deactivate()
        except BaseException:
            self._hooks.last_resort()
            raise
        finally:
            self.active = False

    def end(self) -> None:
        """Deactivate and clean up, as far as that is still to do."""
        try:
            self.rest()
        finally:
            self._clean()

    def _configure(self) -> None:
        self._hooks.configure()
        self.configured = True

    def _activate(self) -> None:
        self.active = True
        self._hooks.activate()

    def _clean(self) -> None:
        if self.configured:
            self.configured = False
            self._hooks.cleanup()

    def _on_activate(self, _: LifecycleState) -> TransitionCallbackReturn:
        done = self._try(self._activate, _FAILURE)
        if done is not _SUCCESS:
            self.rest()
        return done

    def _on_shutdown(self, _: LifecycleState) -> TransitionCallbackReturn:
        done = self._try(self.end)
        self._hooks.finished = True
        return done

    def _try(
        self, step: Callable[[], None], refusal: TransitionCallbackReturn = _ERROR
    ) -> TransitionCallbackReturn:
        """Take a step and keep what it raises, which rclpy would swallow.

        What fails on the way down is an error: rclpy goes on to `on_error`, and unconfigured.
        """
        try:
            step()
        except Exception as error:
            self._problem = self._problem or error
            return refusal
        return _SUCCESS


def refuse_wrong_transitions(node: Node) -> None:
    """Answer a transition that the present state does not have; rclpy raises there."""
    service = next(s for s in node.services if s.srv_type is ChangeState)
    change = service.callback

    def answer(
        request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        try:
            return change(request, response)
        except RuntimeError as error:  # rclpy's; what our hooks raise does not come here
            node.get_logger().warning(f"transition refused: {error}")
            response.success = False
            return response

    service.callback = answer
