"""rclpy's own executor, for all entities of a node or for those that are not urgent.

Only the documented API of rclpy is used here; `executor.py` waits for urgent entities.
"""

from typing import Any, Protocol

from rclpy.executors import SingleThreadedExecutor, TimeoutException
from rclpy.node import Node

from ddpg_ros.ros.runtime.answers import Answers

_LONGEST_WAIT = 0.1  # [s], so a signal is noticed within that time


class Turns(Protocol):
    """What `run_node` needs of an executor."""

    def turn(self) -> None:
        """Wait for the next callback, at most about 0.1 s, and run it; it may raise."""

    def close(self) -> None:
        """Let go of the node."""


class StandardExecutor:
    """rclpy's own executor behind the same two methods."""

    def __init__(self, node: Node) -> None:
        """Take the node."""
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self._answers = Answers(node)

    def turn(self) -> None:
        """Wait for the next callback and run it."""
        self._answers.adopt()
        self._answers.poll()
        self._executor.spin_once(timeout_sec=_LONGEST_WAIT)

    def close(self) -> None:
        """Let go of the node."""
        self._executor.shutdown()


class BackgroundExecutor(SingleThreadedExecutor):
    """rclpy's executor for everything that is not urgent."""

    def __init__(self, node: Any, answers: Answers) -> None:
        """Take a node with a set `urgent`, and what sends the responses of its services."""
        super().__init__(context=node.context)
        self.add_node(node)
        self._node = node
        self._answers = answers
        self._found = False

    def can_execute(self, entity: Any) -> bool:
        """Whether an entity is waited for; rclpy asks for each one."""
        return entity not in self._node.urgent and super().can_execute(entity)

    def run_one(self) -> bool:
        """Run one callback that is ready, without waiting; return False if none is."""
        self._answers.adopt()
        try:
            handler, _, _ = self.wait_for_ready_callbacks(timeout_sec=0.0)
        except TimeoutException:  # after a callback this only ends the look that found it
            again, self._found = self._found, False
            return again and self.run_one()
        self._found = True
        handler()
        handler.result()  # raises what the callback raised
        return bool(handler.done())  # a coroutine that waits is no reason to look again at once
