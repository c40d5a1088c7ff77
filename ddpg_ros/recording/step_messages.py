"""Reads the messages of a recording that are about steps: the steps, and the torques for them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ddpg_ros.errors import RecordingError, few_of
from ddpg_ros.recording.reading import Recording, TopicContent
from ddpg_ros.recording.steps import COMMAND, GOAL, GUARDED, STEP, Place, Step, place_of
from ddpg_ros.types import Vector

_JOINT_STATE, _ARRAY = "sensor_msgs/msg/JointState", "std_msgs/msg/Float64MultiArray"
_EPISODE, _CONTROLLER = "episode", "/forward_effort_controller/commands"
_SECOND = 1_000_000_000  # [ns]


def is_wanted(topic: str, kind: str) -> bool:
    """Return whether a topic of a recording has a part in its episodes."""
    return kind == _JOINT_STATE and _last(topic) in (STEP, COMMAND, GUARDED)


def _last(topic: str) -> str:
    return topic.rpartition("/")[2]


def joints_of(recording: Recording) -> list[str]:
    """Return the joints that the first step names; empty if there is no step."""
    for topic in _named(recording, STEP):
        for message in recording.decoded(topic):
            if place_of(message.header.frame_id) is not None:
                return [name for name in message.name if not name.startswith(GOAL)]
    return []


def steps_of(recording: Recording, joints: Sequence[str]) -> list[tuple[Path, Step]]:
    """Return the steps of a recording, each with its bag; their arrays in the order of `joints`.

    Raises:
        RecordingError: there are none, or they are of other joints or damaged.
    """
    topics = _named(recording, STEP)
    steps: list[tuple[Path, Step]] = []
    for topic in topics:
        for bag, message in zip(topic.bags, recording.decoded(topic), strict=True):
            place = place_of(message.header.frame_id)
            if place is not None:
                steps.append((bag, _step_of(recording, topic, message, place, joints)))
    if not steps:
        has = few_of(sorted(recording.topics)) or "none that count"
        raise RecordingError(
            f"{recording.path} holds no steps; expected the topic agent/step or policy/step, "
            f"which a node publishes if run.record is all or latch. It has {has}. Record with "
            "ddpg-ros train --set run.record=all, or with the recorder node."
        )
    return steps


def _step_of(
    recording: Recording, topic: TopicContent, message: Any, place: Place, joints: Sequence[str]
) -> Step:
    names = list(message.name)
    own = [name for name in names if not name.startswith(GOAL)]
    if sorted(own) != sorted(joints):
        raise RecordingError(
            f"{recording.path}: {topic.name} is about the joints {few_of(own)}; this arm has "
            f"{few_of(list(joints))}. Train with the arm that was recorded: robot.urdf and "
            "robot.joints."
        )
    arrays = [np.array(values, dtype=np.float64) for values in _arrays_of(message)]
    if any(len(array) != len(names) or not np.isfinite(array).all() for array in arrays):
        raise RecordingError(
            f"{recording.path}: a message of {topic.name} has other than {len(names)} finite "
            "numbers of position, velocity and effort; the recording is damaged, leave it out."
        )
    order = [names.index(joint) for joint in joints]
    position, velocity, effort = arrays
    goals = {name.removeprefix(GOAL): at for at, name in enumerate(names) if name.startswith(GOAL)}
    of_joints = goals.keys() == set(joints)
    goal = position[[goals[joint] for joint in joints] if of_joints else list(goals.values())]
    stamp = _stamp_of(recording, topic, message)
    return Step(place, stamp, position[order], velocity[order], effort[order], goal)


def _arrays_of(message: Any) -> tuple[Any, Any, Any]:
    return message.position, message.velocity, message.effort


def _stamp_of(recording: Recording, topic: TopicContent, message: Any) -> int:
    stamp = message.header.stamp
    nanoseconds = int(stamp.sec) * _SECOND + int(stamp.nanosec)
    if stamp.sec < 0 or stamp.nanosec >= _SECOND or nanoseconds == 0:
        raise RecordingError(
            f"{recording.path}: a message of {topic.name} has the stamp of {stamp.sec} s and "
            f"{stamp.nanosec} ns, which is no time; expected that of a joint state. Leave the "
            "recording out."
        )
    return nanoseconds


def torques_of(
    recording: Recording, joints: Sequence[str], runs: Mapping[Path, Collection[str]]
) -> dict[tuple[str, int], Vector | None]:
    """Return the torques by the step that they answer, (n,) [N·m].

    In lock-step the stamps of every process begin anew, so a torque counts for the processes of
    its own bag alone. The torques are those of a guard node, if there was one.

    Args:
        recording: read with `is_wanted`.
        joints: of the arm, in its order.
        runs: the processes whose steps are in each bag, as `Place.run`.

    Returns:
        By `Place.run` and the stamp of the state [ns]. None: two different torques answer one
        state, because the watchdog acted before the next.

    Raises:
        RecordingError: there are none, or they are of other joints or damaged.
    """
    guarded = _named(recording, GUARDED)
    _require_stamped(recording, bool(guarded))
    behind_a_guard = {bag for topic in guarded for bag in topic.bags}
    torques: dict[tuple[str, int], Vector | None] = {}
    any_torque = False
    for topic in [*guarded, *_named(recording, COMMAND)]:
        for bag, message in zip(topic.bags, recording.decoded(topic), strict=True):
            if bag in behind_a_guard and topic not in guarded:
                continue
            any_torque = True
            torque = _torque_of(recording, topic, message, joints)
            stamp = message.header.stamp
            nanoseconds = int(stamp.sec) * _SECOND + int(stamp.nanosec)
            for run in runs.get(bag, ()):
                known = torques.setdefault((run, nanoseconds), torque)
                if known is not None and not np.array_equal(known, torque):
                    torques[run, nanoseconds] = None  # the watchdog's came before the next state
    if not any_torque:
        raise RecordingError(
            f"{recording.path} holds no torques; expected {COMMAND} or {GUARDED}, whose stamps "
            "say which state they answer. If control.command_interface was effort_array, there "
            "are no stamps, and the recording cannot train."
        )
    return torques


def _require_stamped(recording: Recording, guarded: bool) -> None:
    """Refuse torques that a guard node has sent on as ros2_control's array, without stamps."""
    arrays = [topic for topic, kind in recording.counts if kind == _ARRAY]
    if recording.about:  # our recorder hears no array but this and the results of the episodes
        found = [topic for topic in arrays if _last(topic) != _EPISODE]
    else:
        found = [topic for topic in arrays if topic.endswith(_CONTROLLER)]
    if found and not guarded:
        raise RecordingError(
            f"{recording.path}: what reached the motors is on {found[0]}, without stamps that say "
            f"which state a torque answers; {COMMAND} is before the guard node. Record with "
            "control.command_interface: joint_command at the guard to train."
        )


def _torque_of(
    recording: Recording, topic: TopicContent, message: Any, joints: Sequence[str]
) -> Vector:
    names, effort = list(message.name), np.array(message.effort, dtype=np.float64)
    if sorted(names) != sorted(joints):
        raise RecordingError(
            f"{recording.path}: {topic.name} commands the joints {few_of(names)}; this "
            f"arm has {few_of(list(joints))}. Train with the arm that was recorded."
        )
    if len(effort) != len(names) or not np.isfinite(effort).all():
        raise RecordingError(
            f"{recording.path}: a message of {topic.name} has other than {len(names)} "
            "finite torques; the recording is damaged, leave it out."
        )
    return effort[[names.index(joint) for joint in joints]]


def _named(recording: Recording, name: str) -> list[TopicContent]:
    return [
        topic
        for topic in recording.topics.values()
        if _last(topic.name) == name and topic.messages
    ]
