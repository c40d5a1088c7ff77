"""The managed nodes as processes, through the real lifecycle services."""

import time

import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from test.conftest import wait_until
from test.ros.fake_robot import JOINTS, PERIOD
from test.ros.onlooker import LONG, TRANSITIONS, Onlooker, assert_zeros_last

pytestmark = [pytest.mark.ros, pytest.mark.slow]

MODULES = {name: f"ddpg_ros.ros.nodes.{name}" for name in ("agent", "policy", "guard")}
OUTPUT = {"agent": "joint_command", "policy": "joint_command", "guard": "guarded_command"}
VALID = {  # by the state, beside the shutdown
    "unconfigured": {"configure"},
    "inactive": {"activate", "cleanup"},
    "active": {"deactivate"},
}
OWN_SERVICES = ("arm", "estop", "reset", "save")
SMALL = {"learner__hidden": [8], "learner__batch_size": 16, "learner__warmup_steps": 20}


@pytest.fixture
def onlooker(robot):
    return Onlooker(robot=robot)


@pytest.fixture
def start(agent, policy):
    """Starts one of the three nodes; the agent trains, but for one that is given a policy."""

    def start(name, **parameters):
        given = {"autostart": False, "control__reset_service": "''", "run__clock": "realtime"}
        given |= {} if name == "guard" else SMALL if name == "agent" else {"run__policy": policy}
        return agent(MODULES[name], **given | parameters)

    return start


def refuse_all_but(onlooker, name, state):
    """Ask for every transition that a state does not have."""
    wrong = [(transition, "") for transition in TRANSITIONS if transition not in VALID[state]]
    wrong += [("shutdown", other) for other in VALID if other != state]
    asked = [onlooker.ask_to_change(name, *one) for one in wrong]
    onlooker.until(lambda: all(one.done() for one in asked), "the refusals")
    assert not any(one.result().success for one in asked)
    assert onlooker.state_of(name) == state


def own_services(onlooker, name):
    offered = dict(onlooker.node.get_service_names_and_types_by_node(name, "/"))
    return {service for service in OWN_SERVICES if f"/{name}/{service}" in offered}


def own_topics(onlooker, name):
    """Return what a node publishes that not every node publishes."""
    topics = onlooker.node.get_publisher_names_and_types_by_node(name, "/")
    everybody = {"/rosout", "/parameter_events", f"/{name}/transition_event"}
    return {topic for topic, _ in topics} - everybody


def feed(robot, onlooker, commands, heard, name):
    """Publish states, and commands for a guard, until a torque other than zero was heard.

    An agent slows the arm down until its learner is there; it is to have taken steps of its own.
    """

    def turn():
        robot.stamp += PERIOD
        robot.publish()
        header = robot.message(robot.stamp).header
        commands.publish(JointState(header=header, name=list(JOINTS), effort=[0.5, -0.25]))
        robot.turn()
        time.sleep(0.01)  # leave the learner, which yields to everybody, time to start

    def answered():
        steps = int(onlooker.value("agent", "steps") or 0) if name == "agent" else 1
        return steps and any(any(command.torque) for command in heard)

    wait_until(answered, LONG, "a torque", turn)


def assert_silent(robot, onlooker, name, heard):
    """Publish states, and see that none is answered."""
    robot.drain()
    count = len(heard)
    for _ in range(3):
        robot.stamp += PERIOD
        robot.publish()
        onlooker.state_of(name)  # which is answered after states
    robot.drain()
    assert len(heard) == count


@pytest.mark.parametrize("name", MODULES)
def test_every_transition_from_every_state_is_made_or_refused_and_nothing_is_left_behind(
    start, robot, onlooker, name
):
    process = start(name)
    heard = onlooker.record(OUTPUT[name])
    topic = "joint_command" if name == "guard" else "unused"
    commands = onlooker.node.create_publisher(JointState, topic, 1)

    assert onlooker.state_of(name) == "unconfigured"
    refuse_all_but(onlooker, name, "unconfigured")
    assert own_topics(onlooker, name) == own_services(onlooker, name) == set()

    assert onlooker.change(name, "configure")
    refuse_all_but(onlooker, name, "inactive")
    wanted = set(OWN_SERVICES) - (set() if name == "agent" else {"save"})
    onlooker.until(lambda: own_services(onlooker, name) == wanted, "the services")
    onlooker.until(lambda: f"/{OUTPUT[name]}" in own_topics(onlooker, name), "the topics")
    refusal = onlooker.trigger(f"{name}/arm")
    assert not refusal.success and "not active" in refusal.message
    assert_silent(robot, onlooker, name, heard)

    for _ in range(2):  # it may be activated again
        heard.clear()
        assert onlooker.change(name, "activate")
        refuse_all_but(onlooker, name, "active")
        feed(robot, onlooker, commands, heard, name)
        assert onlooker.change(name, "deactivate")
        assert onlooker.state_of(name) == "inactive"
        assert_zeros_last(heard, robot.turn)
    assert_silent(robot, onlooker, name, heard)

    assert onlooker.change(name, "cleanup")
    refuse_all_but(onlooker, name, "unconfigured")
    onlooker.until(lambda: not own_services(onlooker, name), "the end of the services")
    onlooker.until(lambda: not own_topics(onlooker, name), "the end of the topics")
    assert process.member("spawn_main") is None  # no learner

    if name == "agent":  # its run directory holds a run by now
        assert not onlooker.change(name, "configure")
        assert onlooker.state_of(name) == "unconfigured"
        onlooker.until(lambda: " of another run" in process.said, "a word")
    else:
        heard.clear()
        assert onlooker.change(name, "configure") and onlooker.change(name, "activate")
        feed(robot, onlooker, commands, heard, name)
    onlooker.change(name, "shutdown", onlooker.state_of(name))
    assert process.exit(LONG) == 0
    assert_zeros_last(heard, robot.turn)
    assert "Traceback" not in process.said and process.gone()


def test_a_latch_outlives_a_cleanup(start, onlooker):
    start("policy", autostart=True)
    onlooker.until(lambda: onlooker.state_of("policy") == "active", "it")
    assert onlooker.trigger("policy/estop").success
    for transition in ("deactivate", "cleanup", "configure", "activate"):
        assert onlooker.change("policy", transition)
    refusal = onlooker.trigger("policy/arm")
    assert not refusal.success and "estop is latched" in refusal.message


@pytest.mark.parametrize("name", MODULES)
def test_started_by_itself_it_becomes_active(start, onlooker, name):
    start(name, autostart=True)
    onlooker.until(lambda: onlooker.state_of(name) == "active", "it")


WRONG = {
    "policy": ({"run__policy": "/nowhere.safetensors"}, "/nowhere.safetensors"),
    "guard": ({"robot__urdf": "/nowhere.urdf"}, "/nowhere.urdf"),
    "agent": ({"robot__urdf": "/nowhere.urdf"}, "/nowhere.urdf"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_configured_says_why_and_stays_unconfigured_or_ends_with_two(
    start, onlooker, name
):
    settings, word = WRONG[name]
    by_itself, process = start(name, autostart=True, **settings), start(name, **settings)
    assert by_itself.exit(LONG) == 2
    assert word in by_itself.said and "Traceback" not in by_itself.said
    for count in (1, 2):
        assert not onlooker.change(name, "configure")
        assert onlooker.state_of(name) == "unconfigured"
        onlooker.until(lambda n=count: process.said.count(word) >= n, "the sentence")
    nothing = lambda: own_topics(onlooker, name) == own_services(onlooker, name) == set()  # noqa: E731
    onlooker.until(nothing, "the end of what was made")
    assert process.interrupt()[0] == 0
    assert "Traceback" not in process.said


@pytest.mark.bullet
def test_in_lock_step_an_agent_that_was_deactivated_goes_on_by_what_its_refusal_says(
    agent, ros_domain
):
    onlooker = Onlooker(ros_domain)
    episodes = []
    onlooker.node.create_subscription(Float64MultiArray, "agent/episode", episodes.append, 10)
    agent("sim.simulator_node")
    agent(**SMALL, safety__auto_arm=False, run__steps=1_000_000, task__episode_seconds=0.4)

    def armed():
        return onlooker.trigger("agent/arm").success

    onlooker.until(armed, "the first arming")
    onlooker.until(lambda: episodes, "an episode")
    assert onlooker.change("agent", "deactivate")
    refused = onlooker.trigger("agent/arm")
    assert not refused.success
    assert "ros2 lifecycle set /agent activate" in refused.message
    assert onlooker.change("agent", "activate")
    onlooker.until(armed, "the second arming")
    before = len(episodes)
    onlooker.until(lambda: len(episodes) > before, "an episode after that")
    onlooker.close()
