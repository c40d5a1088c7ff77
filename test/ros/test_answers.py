"""Answers of services: to clients that are there, that are found late, and that have left."""

import time
from types import SimpleNamespace

import pytest

rclpy = pytest.importorskip("rclpy")

from rcl_interfaces.srv import GetParameters
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.service import Service
from std_srvs.srv import Trigger

from ddpg_ros.ros.runtime import answers
from ddpg_ros.ros.runtime.answers import Answers, client_of
from test.conftest import wait_until
from test.ros.test_executor import Bench, answer

HELD_UP = 0.09  # [s]; the middleware waits for 0.1 s

CLIENT = tuple(range(16))


@pytest.fixture
def bench(ros_domain):
    bench = Bench(ros_domain)
    yield bench
    bench.close()


def longest_turn(bench, calls):
    """Call and leave, over and over; the longest turn of the node meanwhile [s]."""
    longest = 0.0
    for kind, name in calls:
        client = bench.other.create_client(kind, name)
        wait_until(client.service_is_ready, what=name)
        client.call_async(kind.Request())
        bench.other.destroy_client(client)
        for _ in range(5):
            before = time.monotonic()
            bench.executor.turn()
            turned = time.monotonic() - before
            longest = max(longest, turned)
            time.sleep(0.01)
    return longest


@pytest.mark.timing
@pytest.mark.ros
@pytest.mark.parametrize(
    ("kind", "name"),
    [(Trigger, "urgent"), (Trigger, "patient"), (GetParameters, "tested/get_parameters")],
)
def test_a_client_that_calls_and_leaves_holds_nobody_up(bench, kind, name):
    bench.node.create_timer(0.01, lambda: None)
    bench.node.urgent.add(bench.node.create_timer(0.005, lambda: None))  # no turn is a long wait
    served = []

    def serve(request, response):
        served.append(request)
        return answer(request, response)

    bench.node.urgent.add(bench.node.create_service(Trigger, "urgent", serve))
    bench.node.create_service(Trigger, "patient", serve)
    assert longest_turn(bench, [(kind, name)] * 5) < HELD_UP
    if kind is Trigger:
        assert len(served) == 5  # it is done, whoever waits to hear of it


@pytest.mark.ros
def test_the_client_in_a_request_is_the_reader_that_the_graph_shows(bench):
    seen = []
    service = bench.node.create_service(Trigger, "here", answer)
    client = bench.other.create_client(Trigger, "here")
    wait_until(client.service_is_ready)
    client.call_async(Trigger.Request())

    def take():
        with service.handle:
            _, header = service.handle.service_take_request(Trigger.Request)
        if header is not None:
            seen.append(client_of(header))

    wait_until(lambda: seen, turn=take)
    found = bench.node.get_subscriptions_info_by_topic("rr/hereReply", no_mangle=True)
    assert [tuple(info.endpoint_gid[:16]) for info in found] == seen


def test_a_header_of_another_make_is_not_read():
    assert client_of(SimpleNamespace(source_timestamp=1)) is None


class Arm:
    """A service."""

    service_name = "/arm"
    qos_profile = QoSProfile(depth=1, durability=DurabilityPolicy.VOLATILE)


class Graph:
    """A node that shows the readers of any service; its answers go to a list."""

    services = ()

    def __init__(self, monkeypatch, readers):
        self.readers, self.sent, self.now, self.asked = readers, [], 100.0, 0
        self.service = Arm()
        monkeypatch.setattr(answers, "client_of", lambda header: CLIENT)
        monkeypatch.setattr(answers.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(Service, "send_response", lambda *sent: self.sent.append(sent[1]))
        self.answers = Answers(self)

    def get_subscriptions_info_by_topic(self, topic, no_mangle):
        assert (topic, no_mangle) == ("rr/armReply", True)
        self.asked += 1
        return [
            SimpleNamespace(endpoint_gid=list(gid), qos_profile=qos) for gid, qos in self.readers
        ]

    def pass_time(self, seconds):
        self.now += seconds
        self.answers.poll()


def test_a_client_that_is_found_late_gets_its_answer_once(monkeypatch):
    graph = Graph(monkeypatch, [])
    graph.answers.send(graph.service, "yes", None)
    graph.pass_time(0.5)
    assert graph.sent == [] and len(graph.answers) == 1
    graph.readers = [(CLIENT, QoSProfile(depth=1))]
    graph.pass_time(0.1)
    graph.pass_time(0.1)
    assert graph.sent == ["yes"] and not len(graph.answers)


def test_the_answer_of_one_that_is_not_found_for_a_second_is_dropped(monkeypatch):
    graph = Graph(monkeypatch, [((0,) * 16, QoSProfile(depth=1))])  # another one's reader
    graph.answers.send(graph.service, "yes", None)
    graph.pass_time(0.9)
    assert len(graph.answers) == 1
    graph.pass_time(0.2)
    assert graph.sent == [] and not len(graph.answers)


def test_a_client_whose_reader_can_never_be_matched_is_not_waited_for(monkeypatch):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    graph = Graph(monkeypatch, [(CLIENT, latched)])
    graph.answers.send(graph.service, "yes", None)
    graph.pass_time(0.5)
    assert graph.sent == []


def test_however_many_have_left_the_graph_is_asked_once_and_not_in_every_turn(monkeypatch):
    graph = Graph(monkeypatch, [])
    for _ in range(1500):
        graph.answers.send(graph.service, "yes", None)
    assert len(graph.answers) == 1000
    graph.asked = 0
    for _ in range(10):
        graph.pass_time(0.001)
    assert graph.asked == 1
