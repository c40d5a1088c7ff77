"""What `ddpg-ros arm`, `reset` and `estop` call, and in which order, over real services."""

from collections.abc import Callable, Iterator

import pytest

rclpy = pytest.importorskip("rclpy")

from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import Trigger

from ddpg_ros.errors import MachineError
from ddpg_ros.ros.nodes import operator
from ddpg_ros.ros.runtime.arguments import read_arguments
from test.conftest import wait_until

pytestmark = pytest.mark.ros


class Deployment:
    """Nodes that offer a verb, or offer it and do not answer; and the operator that calls them."""

    def __init__(self) -> None:
        """Begin with no node."""
        self.called: list[str] = []
        self._executor = SingleThreadedExecutor()
        self._nodes = []

    def offer(self, name: str, verb: str, answers: bool = True) -> None:
        """Start a node of that name."""
        node = rclpy.create_node(name)
        self._nodes.append(node)
        node.create_service(Trigger, f"~/{verb}", self._taking(name))
        if answers:
            self._executor.add_node(node)

    def _taking(self, name: str) -> Callable[[object, Trigger.Response], Trigger.Response]:
        def take(_: object, response: Trigger.Response) -> Trigger.Response:
            self.called.append(name)
            response.success = True
            return response

        return take

    def call(self, verb: str) -> operator.Operator:
        """Start the operator."""
        node = operator.Operator(read_arguments(["--ros-args", "-p", f"verb:={verb}"]))
        self._nodes.append(node)
        self._executor.add_node(node)
        return node

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Turn until something is so; raises what the operator raises."""
        wait_until(condition, what=what, turn=lambda: self._executor.spin_once(0.02))

    def close(self) -> None:
        """End all of them."""
        self._executor.shutdown()
        for node in self._nodes:
            node.destroy_node()


@pytest.fixture
def deployment(ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """An empty one, whose nodes the operator waits for shortly."""
    monkeypatch.setattr(operator, "_FIND_S", 1.5)
    monkeypatch.setattr(operator, "_ANSWER_S", 1.0)
    rclpy.init(domain_id=ros_domain)
    deployment = Deployment()
    yield deployment
    deployment.close()
    rclpy.shutdown()


@pytest.mark.parametrize(("there", "missing"), [("policy", "guard"), ("guard", "policy")])
def test_a_stop_reaches_the_node_that_is_there_and_names_the_one_that_is_not(
    deployment: Deployment, there: str, missing: str
) -> None:
    deployment.offer(there, "estop")
    deployment.call("estop")
    with pytest.raises(MachineError, match=rf"^/{missing}/estop is not there after 1\.5 s"):
        deployment.until(lambda: False, "the sentence on the other")
    assert deployment.called == [there]


def test_a_guard_that_does_not_answer_keeps_no_stop_from_the_policy(
    deployment: Deployment,
) -> None:
    deployment.offer("guard", "estop", answers=False)
    deployment.offer("policy", "estop")
    deployment.call("estop")
    with pytest.raises(MachineError, match=r"^/guard/estop did not answer within 1 s\.$"):
        deployment.until(lambda: False, "the sentence on the guard")
    assert deployment.called == ["policy"]


def test_a_stop_of_nodes_that_are_not_there_names_both(deployment: Deployment) -> None:
    deployment.call("estop")
    with pytest.raises(MachineError, match=r"/guard/estop is not.*/policy/estop is not there"):
        deployment.until(lambda: False, "the sentence")


def test_a_reset_without_a_guard_reaches_no_policy(deployment: Deployment) -> None:
    deployment.offer("policy", "reset")
    deployment.call("reset")
    with pytest.raises(MachineError, match=r"^/guard/reset is not there"):
        deployment.until(lambda: False, "the sentence")
    assert deployment.called == []


@pytest.mark.parametrize("verb", ["reset", "estop"])
def test_both_are_called_once_and_by_a_reset_the_guard_first(
    deployment: Deployment, verb: str
) -> None:
    deployment.offer("guard", verb)
    deployment.offer("policy", verb)
    calling = deployment.call(verb)
    deployment.until(lambda: calling.finished, "the answers of both")
    assert sorted(deployment.called) == ["guard", "policy"]
    assert verb == "estop" or deployment.called == ["guard", "policy"]
