"""Puts the steps and the torques of a recording together again: which state led to which.

A message may be lost, come twice or in another order. So nothing is concluded from the order of
messages or from the time between them: a step says itself which one of which episode it is, and a
torque which state it answers. What does not fit together exactly is left out and counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ddpg_ros.errors import RecordingError, few_of
from ddpg_ros.recording.reading import Recording, TopicContent
from ddpg_ros.recording.steps import GOAL, Place, Step, place_of
from ddpg_ros.types import JointState, Vector

STEP, COMMAND, GUARDED = "step", "joint_command", "guarded_command"
_JOINT_STATE = "sensor_msgs/msg/JointState"
_SECOND = 1_000_000_000  # [ns]


class RecordedStep(NamedTuple):
    """A state, the torque that answered it, and the state that this led to."""

    state: JointState
    torque: Vector  # (n,) [N·m], after the guard
    next_state: JointState
    goal: Vector  # (g,); empty if the task had none


class RecordedEpisodes(NamedTuple):
    """What a recording holds for a learner."""

    stretches: list[list[RecordedStep]]  # steps that follow each other without a gap
    episodes: int
    steps: int  # steps that were recorded, those at the end of an episode not included
    without_torque: int  # left out: no torque with the stamp, or two different ones
    without_next: int  # left out: the next step is missing
    phases: dict[str, int]  # episodes by phase


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


def period_of(episodes: "RecordedEpisodes") -> float:
    """Return the median time from a step to the next [s]; 0 if there is none."""
    spans = [
        step.next_state.stamp - step.state.stamp
        for stretch in episodes.stretches
        for step in stretch
    ]
    return 1e-9 * float(np.median(spans)) if spans else 0.0


def episodes_of(recording: Recording, joints: Sequence[str]) -> RecordedEpisodes:
    """Return the steps of a recording.

    Args:
        recording: read with `is_wanted`.
        joints: of the arm, in the order that the steps are to have.

    Raises:
        RecordingError: a topic is missing, the joints are others, or stamps contradict.
    """
    steps = _steps(recording, joints)
    torques = _torques(recording, joints)
    return join(recording.path, steps, torques)


def join(
    path: object, steps: Iterable[Step], torques: dict[int, Vector | None]
) -> RecordedEpisodes:
    """Join steps, in any order and any number of times, with the torques that answered them.

    Args:
        path: of the recording, for a sentence.
        steps: as they were recorded.
        torques: by the stamp of the state [ns]; None: two that contradict.

    Raises:
        RecordingError: the stamps of an episode do not grow with its steps.
    """
    episodes = _by_episode(path, steps)
    stretches: list[list[RecordedStep]] = []
    phases: dict[str, int] = defaultdict(int)
    count = without_torque = without_next = 0
    for (_, phase, _), numbered in sorted(episodes.items()):
        phases[phase] += 1
        stretch: list[RecordedStep] = []
        for number in sorted(numbered):
            step, following = numbered[number], numbered.get(number + 1)
            if step.place.over:
                continue
            count += 1
            torque = torques.get(step.stamp)
            without_torque += torque is None
            without_next += following is None and torque is not None
            if torque is None or following is None:
                if stretch:
                    stretches.append(stretch)
                stretch = []
            else:
                stretch.append(RecordedStep(_state(step), torque, _state(following), step.goal))
        if stretch:
            stretches.append(stretch)
    return RecordedEpisodes(
        stretches, len(episodes), count, without_torque, without_next, dict(phases)
    )


def _by_episode(
    path: object, steps: Iterable[Step]
) -> dict[tuple[str, str, int], dict[int, Step]]:
    """Return the steps by episode and number.

    A step that came twice counts once. Two different ones under one number contradict each other.
    """
    episodes: dict[tuple[str, str, int], dict[int, Step]] = defaultdict(dict)
    for step in steps:
        place = step.place
        numbered = episodes[place.run, place.phase, place.episode]
        before = numbered.setdefault(place.number, step)
        if before is not step and not _equal(before, step):
            raise RecordingError(
                f"{path}: step {place.number} of episode {place.episode} is recorded twice, with "
                f"the stamps {before.stamp} and {step.stamp} ns, and differently; expected one "
                "recording of one process. Record it anew."
            )
    for (_, _, episode), numbered in episodes.items():
        ordered = [numbered[number] for number in sorted(numbered)]
        for step, following in pairwise(ordered):
            if following.stamp <= step.stamp:
                raise RecordingError(
                    f"{path}: in episode {episode} step {following.place.number} has the stamp "
                    f"{following.stamp} ns and step {step.place.number} before it "
                    f"{step.stamp} ns; expected stamps that grow. The driver's clock was set "
                    "back, or the recording was changed: leave it out."
                )
            if step.place.over:
                raise RecordingError(
                    f"{path}: episode {episode} goes on after its last step, "
                    f"{step.place.number}; expected an end. Record it anew."
                )
    return episodes


def _equal(one: Step, other: Step) -> bool:
    return (one.place, one.stamp) == (other.place, other.stamp) and all(
        np.array_equal(mine, theirs) for mine, theirs in zip(one[2:], other[2:], strict=True)
    )


def _state(step: Step) -> JointState:
    return JointState(step.stamp, step.position, step.velocity)


def _steps(recording: Recording, joints: Sequence[str]) -> list[Step]:
    topics = _named(recording, STEP)
    steps: list[Step] = []
    for topic in topics:
        for message in recording.decoded(topic):
            place = place_of(message.header.frame_id)
            if place is not None:
                steps.append(_step_of(recording, topic, message, place, joints))
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
    goal = position[[at for at, name in enumerate(names) if name.startswith(GOAL)]]
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


def _torques(recording: Recording, joints: Sequence[str]) -> dict[int, Vector | None]:
    """Return the torques by stamp; those of a guard node if there was one."""
    topics = _named(recording, GUARDED) or _named(recording, COMMAND)
    torques: dict[int, Vector | None] = {}
    for topic in topics:
        for message in recording.decoded(topic):
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
            stamp = message.header.stamp
            key = int(stamp.sec) * _SECOND + int(stamp.nanosec)
            torque = effort[[names.index(joint) for joint in joints]]
            known = torques.setdefault(key, torque)
            if known is not None and not np.array_equal(known, torque):
                torques[key] = None  # the watchdog sent another one before the next state
    if not torques:
        raise RecordingError(
            f"{recording.path} holds no torques; expected {COMMAND} or {GUARDED}, whose stamps "
            "say which state they answer. If control.command_interface was effort_array, there "
            "are no stamps, and the recording cannot train."
        )
    return torques


def _named(recording: Recording, name: str) -> list[TopicContent]:
    return [
        topic
        for topic in recording.topics.values()
        if _last(topic.name) == name and topic.messages
    ]
