"""The executor on real topics, services and timers: nothing is lost, nothing runs twice."""

import signal
import time

import pytest

rclpy = pytest.importorskip("rclpy")

from rcl_interfaces.srv import GetParameters
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Float64
from std_srvs.srv import Trigger

from ddpg_ros.ros.runtime.executor import PromptExecutor, make_executor, missing_calls
from ddpg_ros.ros.runtime.standard_executor import StandardExecutor
from test.conftest import wait_until

pytestmark = pytest.mark.ros

MANY = QoSProfile(depth=1000)


class Bench:
    """A node with the executor under test, and another node beside it in the same process."""

    def __init__(self, domain):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = Node("tested", context=self.context)
        self.node.urgent = set()
        self.other = Node("other", context=self.context)
        self.executor = PromptExecutor(self.node)
        self.beside = rclpy.executors.SingleThreadedExecutor(context=self.context)
        self.beside.add_node(self.other)

    def turn(self):
        self.executor.turn()
        self.beside.spin_once(timeout_sec=0.0)

    def until(self, condition, what="the condition"):
        wait_until(condition, what=what, turn=self.turn)

    def subscribe(self, callback, topic="numbers", urgent=True):
        made = self.node.create_subscription(Float64, topic, callback, MANY)
        if urgent:
            self.node.urgent.add(made)
        return made

    def publisher(self, topic="numbers", count=1):
        made = self.other.create_publisher(Float64, topic, MANY)
        wait_until(lambda: made.get_subscription_count() == count, what="discovery")
        return made

    def close(self):
        self.executor.close()
        self.beside.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()
        rclpy.try_shutdown(context=self.context)


@pytest.fixture
def bench(ros_domain):
    bench = Bench(ros_domain)
    yield bench
    bench.close()


def answer(request, response):
    response.success, response.message = True, "here"
    return response


def test_every_message_comes_once_and_in_order(bench):
    got = []
    bench.subscribe(lambda message: got.append(message.data))
    publisher = bench.publisher()
    for number in range(200):
        publisher.publish(Float64(data=float(number)))
    bench.until(lambda: len(got) >= 200)
    for _ in range(3):
        bench.turn()
    assert got == [float(number) for number in range(200)]


def test_a_callback_with_two_arguments_gets_the_information_about_the_message(bench):
    got = []
    bench.subscribe(lambda message, info: got.append((message.data, info["source_timestamp"])))
    bench.publisher().publish(Float64(data=3.0))
    bench.until(lambda: got)
    assert got[0][0] == 3.0 and got[0][1] > 0


def test_a_raw_subscription_gets_bytes(bench):
    got = []
    made = bench.node.create_subscription(Float64, "numbers", got.append, MANY, raw=True)
    bench.node.urgent.add(made)
    bench.publisher().publish(Float64(data=3.0))
    bench.until(lambda: got)
    assert isinstance(got[0], bytes)


def test_timers_fire_at_their_period_and_not_when_cancelled(bench):
    fired = []
    timer = bench.node.create_timer(0.01, lambda: fired.append(time.monotonic()))
    bench.node.urgent.add(timer)
    bench.until(lambda: len(fired) >= 20)
    assert fired[-1] - fired[0] >= 0.15  # 19 periods, and rclpy keeps to the schedule
    timer.cancel()
    count = len(fired)
    for _ in range(3):
        bench.turn()
    assert len(fired) == count


def test_a_timer_that_an_earlier_callback_puts_off_waits(bench):
    fired = []

    def put_off(mine, other):
        def callback():
            fired.append(mine)
            timers[other].timer_period_ns = 60_000_000_000
            timers[other].reset()

        return callback

    timers = [bench.node.create_timer(0.02, put_off(mine, 1 - mine)) for mine in (0, 1)]
    bench.node.urgent |= set(timers)
    time.sleep(0.03)  # both are ready in the same wait
    for _ in range(10):
        bench.turn()
    assert len(set(fired)) == 1


def test_what_becomes_urgent_while_it_runs_is_waited_for_and_what_is_destroyed_is_not(bench):
    got, late = [], []
    early = bench.subscribe(lambda message: got.append(message.data), "early")
    bench.publisher("early").publish(Float64(data=1.0))
    bench.until(lambda: got)
    second = bench.subscribe(lambda message: late.append(message.data), "late")
    bench.publisher("late").publish(Float64(data=2.0))
    bench.until(lambda: late)
    bench.node.urgent.discard(early)
    bench.node.destroy_subscription(early)
    bench.turn()
    assert late == [2.0]
    bench.node.urgent.remove(second)
    bench.node.destroy_subscription(second)
    bench.turn()


def test_one_that_is_destroyed_but_still_said_to_be_urgent_does_no_harm(bench):
    got = []
    bench.subscribe(lambda message: got.append(message.data))
    timer = bench.node.create_timer(0.01, lambda: None)
    gone = bench.subscribe(lambda message: got.append("gone"), "gone")
    client = bench.node.create_client(Trigger, "nobody")
    service = bench.node.create_service(Trigger, "away", answer)
    bench.node.urgent |= {timer, client, service, None}
    bench.turn()
    bench.node.destroy_subscription(gone)
    bench.node.destroy_timer(timer)
    bench.node.destroy_client(client)
    bench.node.destroy_service(service)
    bench.publisher().publish(Float64(data=4.0))
    bench.until(lambda: got)
    assert got == [4.0]


def test_one_that_another_callback_destroys_in_the_same_turn_is_passed_over(bench):
    got = []

    def destroy_the_other(mine, other):
        def callback(message):
            got.append(mine)
            bench.node.urgent.discard(subscriptions[other])
            bench.node.destroy_subscription(subscriptions[other])

        return callback

    subscriptions = [
        bench.subscribe(destroy_the_other(mine, 1 - mine), f"topic_{mine}") for mine in (0, 1)
    ]
    publishers = [bench.publisher(f"topic_{mine}") for mine in (0, 1)]
    for publisher in publishers:
        publisher.publish(Float64(data=0.0))
    time.sleep(0.1)  # both have come when the executor looks
    for _ in range(4):
        bench.turn()
    assert len(got) == 1


def test_an_urgent_service_answers_an_urgent_client_that_found_it_late(bench):
    client = bench.node.create_client(Trigger, "late")
    bench.node.urgent.add(client)
    bench.turn()
    bench.other.create_service(Trigger, "late", answer)
    wait_until(client.service_is_ready)
    heard = []
    client.call_async(Trigger.Request()).add_done_callback(lambda f: heard.append(f.result()))
    bench.until(lambda: heard)
    assert heard[0].message == "here"
    bench.node.urgent.add(bench.node.create_service(Trigger, "own", answer))
    theirs = bench.other.create_client(Trigger, "own")
    wait_until(theirs.service_is_ready)
    future = theirs.call_async(Trigger.Request())
    bench.until(future.done)
    assert future.result().message == "here"


def test_a_service_called_from_inside_a_callback_is_answered(bench):
    bench.other.create_service(Trigger, "there", answer)
    client = bench.node.create_client(Trigger, "there")
    bench.node.urgent.add(client)
    wait_until(client.service_is_ready)
    heard = []

    def ask(message):
        client.call_async(Trigger.Request()).add_done_callback(
            lambda future: heard.append(future.result().message)
        )

    bench.subscribe(ask)
    bench.publisher().publish(Float64(data=0.0))
    bench.until(lambda: heard)
    assert heard == ["here"]


def fail(*_):
    raise ValueError("from a callback")


def test_what_a_callback_raises_comes_out_of_the_turn(bench):
    bench.subscribe(fail)
    bench.publisher().publish(Float64(data=0.0))
    with pytest.raises(ValueError, match="from a callback"):
        bench.until(lambda: False)


def test_what_the_done_callback_of_a_service_call_raises_comes_out_of_the_turn(bench):
    bench.other.create_service(Trigger, "there", answer)
    client = bench.node.create_client(Trigger, "there")
    bench.node.urgent.add(client)
    wait_until(client.service_is_ready)
    client.call_async(Trigger.Request()).add_done_callback(fail)
    with pytest.raises(ValueError, match="from a callback"):
        bench.until(lambda: False)


def test_what_a_callback_that_is_not_urgent_raises_comes_out_of_the_turn(bench):
    bench.subscribe(fail, urgent=False)
    bench.publisher().publish(Float64(data=0.0))
    with pytest.raises(ValueError, match="from a callback"):
        bench.until(lambda: False)


def test_a_parameter_service_answers_while_messages_stream(bench):
    bench.node.declare_parameter("answer", 42)
    got = []
    bench.subscribe(got.append)
    publisher = bench.publisher()
    client = bench.other.create_client(GetParameters, "tested/get_parameters")
    wait_until(client.service_is_ready)
    future = client.call_async(GetParameters.Request(names=["answer"]))

    def stream():
        publisher.publish(Float64(data=0.0))
        bench.turn()

    wait_until(future.done, what="the parameter", turn=stream)
    assert future.result().values[0].integer_value == 42
    assert got


@pytest.mark.timing
def test_a_burst_of_calls_that_are_not_urgent_does_not_take_a_look_each(bench):
    bench.subscribe(lambda message: None)
    handled = []

    def handle(_, response):
        handled.append(time.monotonic())
        return response

    bench.node.create_service(Trigger, "call", handle)
    client = bench.other.create_client(Trigger, "call")
    bench.until(client.service_is_ready)
    for _ in range(10):
        client.call_async(Trigger.Request())
    wait_until(lambda: len(handled) == 10, what="the calls", turn=bench.executor.turn)
    assert handled[-1] - handled[0] < 0.5  # a look each would be 1 s


def test_a_qos_event_is_still_delivered(bench):
    events = []
    bench.node.create_publisher(
        Float64,
        "promised",
        QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT),
        event_callbacks=PublisherEventCallbacks(incompatible_qos=events.append),
    )
    demanding = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    bench.other.create_subscription(Float64, "promised", lambda message: None, demanding)
    bench.until(lambda: events, "the event")


@pytest.mark.timing
def test_an_entity_is_run_by_one_of_the_two_only(bench):
    ran = []
    urgent = bench.node.create_timer(0.02, lambda: ran.append("urgent"))
    bench.node.create_timer(0.02, lambda: ran.append("other"))
    bench.node.urgent.add(urgent)
    begin = time.monotonic()
    while time.monotonic() - begin < 0.5:
        bench.turn()
    assert 2 <= ran.count("other") <= 27
    assert 10 <= ran.count("urgent") <= 27


def test_a_coroutine_is_refused_as_an_urgent_callback(bench):
    async def later(message):
        pass

    bench.subscribe(later)
    with pytest.raises(TypeError, match="subscription calls a coroutine"):
        bench.turn()


def test_a_turn_ends_soon_where_nothing_comes_so_that_a_signal_is_noticed(bench):
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        bench.until(lambda: heard, "the signal")
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_rclpy_without_the_calls_gets_its_own_executor(bench, monkeypatch):
    class Older:
        class WaitSet:
            def wait(self, timeout): ...

    assert "WaitSet.clear_entities" in missing_calls(Older)
    assert "Timer.call_timer" in missing_calls(Older)
    assert missing_calls() == []
    got = []
    subscription = bench.subscribe(got.append)
    executor = StandardExecutor(bench.node)
    bench.publisher().publish(Float64(data=0.0))
    wait_until(lambda: got, turn=executor.turn)
    executor.close()
    assert subscription.handle.pointer
    ours = make_executor(bench.node)
    assert isinstance(ours, PromptExecutor)
    ours.close()
    monkeypatch.setattr("ddpg_ros.ros.runtime.executor.missing_calls", lambda: ["WaitSet.wait"])
    standard = make_executor(bench.node)
    assert isinstance(standard, StandardExecutor)
    standard.close()
