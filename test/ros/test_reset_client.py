"""Resets asked for while earlier answers are still on their way, over a real service."""

from collections.abc import Iterator

import pytest

rclpy = pytest.importorskip("rclpy")

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger

from ddpg_ros.errors import MachineError
from ddpg_ros.ros.interface import reset_client
from ddpg_ros.ros.interface.reset_client import ResetClient
from test.conftest import wait_until

pytestmark = pytest.mark.ros


class Simulator:
    """Answers each reset with the next of the sentences it was given; a client beside it."""

    def __init__(self, node: Node, executor: SingleThreadedExecutor) -> None:
        """Offer the service."""
        self.sentences: list[str] = []
        self.places = True
        self.placed = []
        self.node = node
        self._executor = executor
        node.create_service(Trigger, "reset", self._on_reset)
        self.client = ResetClient(node, "reset", self.placed.append)
        wait_until(self.client.client.service_is_ready, what="the service", turn=self.turn)

    def turn(self) -> None:
        """Handle one thing."""
        self._executor.spin_once(timeout_sec=0.02)

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self.places, self.sentences.pop(0)
        return response

    def until_all_is_answered(self) -> None:
        """Turn until no sentence is left, and ten times more."""
        wait_until(lambda: not self.sentences, what="the calls", turn=self.turn)
        for _ in range(10):
            self.turn()


@pytest.fixture
def simulator(ros_domain: int) -> Iterator[Simulator]:
    """A service and its client in one process."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    node = rclpy.create_node("both", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    yield Simulator(node, executor)
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown(context=context)


def test_only_the_answer_to_the_newest_reset_counts(simulator):
    simulator.sentences = ["100", "200"]
    simulator.client.request()
    simulator.client.request()
    wait_until(lambda: simulator.placed, what="an answer", turn=simulator.turn)
    simulator.until_all_is_answered()
    assert simulator.placed == [200]


def test_a_reset_that_is_cancelled_has_no_answer(simulator):
    simulator.sentences = ["100"]
    simulator.client.request()
    simulator.client.cancel()
    simulator.until_all_is_answered()
    assert simulator.placed == []


def test_an_answer_that_is_no_stamp_is_shown(simulator):
    simulator.sentences = ["done"]
    simulator.client.request()
    with pytest.raises(MachineError, match="answered 'done'; expected the stamp"):
        wait_until(lambda: simulator.placed, what="the answer", turn=simulator.turn)


def test_a_refusal_is_logged_with_its_reason_and_the_service_called_again(
    simulator, monkeypatch, capfd
):
    monkeypatch.setattr(reset_client, "_AGAIN_AFTER", 0.1)
    simulator.places, simulator.sentences = False, ["the brakes are closed", "300"]
    simulator.client.request()
    wait_until(lambda: len(simulator.sentences) < 2, what="a refusal", turn=simulator.turn)
    simulator.places = True

    def look() -> None:
        simulator.turn()
        simulator.client.poll()

    wait_until(lambda: simulator.placed, what="the arm to be placed", turn=look)
    assert simulator.placed == [300]
    said = capfd.readouterr().err
    assert "/reset refuses to place the arm: 'the brakes are closed'" in said
    assert "has not answered" not in said


def test_a_service_that_does_not_answer_is_named_as_often_as_it_is_called(
    simulator, monkeypatch, capfd
):
    monkeypatch.setattr(reset_client, "_AGAIN_AFTER", 0.1)
    simulator.client.request()
    said = []

    def look() -> None:  # the service is never turned
        simulator.client.poll()
        said.append(capfd.readouterr().err)

    complaint = "the service /reset has not answered for 0.1 s"
    wait_until(lambda: "".join(said).count(complaint) == 2, what="two complaints", turn=look)
    assert simulator.placed == []


def test_a_service_that_nobody_offers_is_named_with_what_to_set(simulator, monkeypatch, capfd):
    monkeypatch.setattr(reset_client, "_AGAIN_AFTER", 0.1)
    placed = []
    missing = ResetClient(simulator.node, "missing", placed.append)
    missing.request()
    said = []

    def look() -> None:
        simulator.turn()
        missing.poll()
        said.append(capfd.readouterr().err)

    complaint = "nobody offers the service /missing"
    wait_until(lambda: "".join(said).count(complaint) == 2, what="the second complaint", turn=look)
    assert "control.reset_service: ''" in "".join(said)
    assert placed == []
    missing.cancel()
    missing.close()
