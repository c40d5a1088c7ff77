"""What a fault leaves on the disk: real nodes over real topics, read back by another library."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from rosbags.highlevel import AnyReader

from ddpg_ros.recording.bag import METADATA
from ddpg_ros.recording.reading import read_recording
from test.faults.realtime import SECOND, act
from test.ros.fake_robot import JOINTS

pytestmark = [pytest.mark.ros, pytest.mark.slow]

RECORDER = "ddpg_ros.ros.nodes.recorder"
MOVED = 3.0  # [s] before the stop
LONG = 150.0  # [s]; a recorder yields to every other process of the machine


def bags(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"run/recordings/*/{METADATA}"))


def messages(bag: Path) -> dict[str, list]:
    """The messages of each topic, as rosbags reads them: index, schema and metadata.yaml count."""
    found: dict[str, list] = {}
    with AnyReader([bag]) as reader:
        assert reader.message_count == sum(c.msgcount for c in reader.connections)
        for connection, _, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            found.setdefault(connection.topic, []).append(message)
    return found


def stamp(message) -> int:
    return message.header.stamp.sec * SECOND + message.header.stamp.nanosec


def stream(robot, seconds: float) -> set[int]:
    """Publish states in real time for so long; return their stamps."""
    sent: set[int] = set()

    def note(message):
        sent.add(stamp(message))
        return message

    robot.stream_for(seconds, change=note)
    return sent


def until_heard(robot, recorder, mode: str) -> None:
    """Stream states until the recorder hears what these tests read."""
    topics = ("/joint_states", "/joint_command", "/policy/step", "/diagnostics")
    said = [f"records {mode}", *(f"hears {topic}\n" for topic in topics)]
    robot.stream(lambda: all(one in recorder.said for one in said), "the recorder", LONG)
    robot.stream_for(0.5)  # for the publishers to find it


def test_fault_83_what_led_to_a_stop_is_whole_although_the_recorder_is_killed_a_moment_later(
    robot, agent, policy_node, tmp_path
):
    recorder = agent(RECORDER)
    policy_node(safety__ramp_seconds=0.0)
    until_heard(robot, recorder, "latch")
    act(robot)
    sent = stream(robot, MOVED)
    assert bags(tmp_path) == []
    assert robot.call("policy/estop").success
    robot.stream(lambda: bags(tmp_path), "a recording")
    os.kill(recorder.popen.pid, signal.SIGKILL)
    (bag,) = bags(tmp_path)
    heard = messages(bag)
    assert "/joint_states" in heard
    states = [stamp(message) for message in heard["/joint_states"]]
    before = [one for one in states if one in sent]
    assert len(sent) > 10
    assert len(before) >= 0.95 * len(sent), (len(before), len(sent))
    robot.drain()
    true = {(c.stamp, c.torque) for c in robot.commands if c.stamp in sent}
    recorded = {(stamp(m), tuple(m.effort.tolist())) for m in heard["/joint_command"]}
    assert any(any(torque) for _, torque in true)
    assert len(recorded & true) >= 0.95 * len(true), (len(recorded & true), len(true))
    values = [
        {pair.key: pair.value for pair in status.values}
        for message in heard["/diagnostics"]
        for status in message.status
    ]
    assert values[-1]["state"] == "estop"
    steps = read_recording(bag, lambda topic, _: topic == "/policy/step").topics["/policy/step"]
    assert len(steps.messages) >= 0.9 * len({one for one, _ in true})


def test_after_a_latch_its_seconds_follow_and_the_end_of_the_recorder_writes_them(
    robot, agent, policy_node, tmp_path
):
    recorder = agent(RECORDER)
    policy_node()
    until_heard(robot, recorder, "latch")
    act(robot)
    assert robot.call("policy/estop").success
    robot.stream(lambda: bags(tmp_path), "a recording")
    (bag,) = bags(tmp_path)
    first = messages(bag)["/joint_states"]
    robot.stream_for(1.0)
    newest = robot.stamp
    robot.arrive()
    code, _ = recorder.interrupt()
    assert code == 0, recorder.said
    assert bags(tmp_path) == [bag]
    later = messages(bag)["/joint_states"]
    assert len(later) > len(first)
    assert stamp(later[-1]) == newest
    assert list(later[-1].name) == list(JOINTS)


def test_everything_of_a_run_is_recorded_and_nothing_is_lost(robot, agent, policy_node, tmp_path):
    recorder = agent(RECORDER, run__record="all")
    policy_node()
    until_heard(robot, recorder, "all")
    act(robot)
    sent = stream(robot, 4.0)
    robot.until(lambda: robot.answered(robot.stamp), "an answer to the last state")
    robot.arrive()  # on the way of all that was sent before
    code, _ = recorder.interrupt()
    assert code == 0, recorder.said
    (bag,) = bags(tmp_path)
    heard = messages(bag)
    states = {stamp(message) for message in heard["/joint_states"]}
    assert len(sent) > 10
    assert sent <= states
    commands = {stamp(message) for message in heard["/joint_command"]}
    steps = {stamp(message) for message in heard["/policy/step"]}
    assert {c.stamp for c in robot.commands if c.stamp in sent} <= commands
    assert len(steps & sent) > 10
    assert steps & sent <= commands
    settings = read_recording(bag, lambda *_: False).about
    assert json.dumps(settings["task"]) == '"reach"'


@pytest.mark.skipif(sys.platform != "linux", reason="Linux counts it by thread")
def test_every_thread_of_a_recorder_yields_to_the_control_loop(robot, agent):
    recorder = agent(RECORDER)
    robot.stream(lambda: "records latch" in recorder.said, "the recorder")
    tasks = list(Path(f"/proc/{recorder.popen.pid}/task").iterdir())
    assert len(tasks) > 3  # the middleware's among them
    for task in tasks:
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        nice, policy = int(fields[16]), int(fields[38])
        assert (nice, policy) == (10, os.SCHED_BATCH), (task / "comm").read_text()


def test_a_recorder_that_is_to_record_nothing_ends_with_a_sentence(agent):
    recorder = agent(RECORDER, run__record="'off'")
    assert recorder.exit(LONG) == 2
    assert "run.record is off, and this node does nothing but record" in recorder.said
