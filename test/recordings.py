"""Recordings made by hand: messages of steps and torques, and bags of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ddpg_ros.recording.bag import Bag
from ddpg_ros.recording.definitions import definition_of
from ddpg_ros.recording.messages import Message, Topic, qos_entry
from ddpg_ros.recording.steps import GOAL, Place, Step
from ddpg_ros.ros.interface.cdr import layout_of

JOINTS = ("shoulder", "elbow")
PERIOD = 40_000_000  # [ns]
JOINT_STATE = "sensor_msgs/msg/JointState"
STEP, COMMAND, GUARDED = "/agent/step", "/joint_command", "/guarded_command"
ABOUT = {"task": "reach", "version": "0"}
QOS = (qos_entry("reliable", "volatile", 1),)


def topic(name: str, kind: str = JOINT_STATE) -> Topic:
    """A topic, whose type is installed."""
    return Topic(name, kind, definition_of(kind), QOS)


def joint_state(stamp: int, frame: str, names: Sequence[str], position, velocity, effort) -> bytes:
    """The bytes of a joint state."""
    sizes = len(position), len(velocity), len(effort)
    layout = layout_of(list(names), *sizes, frame)
    return layout.write(*divmod(stamp, 1_000_000_000), position, velocity, effort)


def step_bytes(step: Step, joints: Sequence[str] = JOINTS) -> bytes:
    """A step as `~/step` carries it."""
    names = [*joints, *(f"{GOAL}{number}" for number in range(len(step.goal)))]
    still = [0.0] * len(step.goal)
    return joint_state(
        step.stamp,
        step.place.text(),
        names,
        [*step.position, *step.goal],
        [*step.velocity, *still],
        [*step.requested, *still],
    )


def torque_bytes(stamp: int, torque, joints: Sequence[str] = JOINTS) -> bytes:
    """A command."""
    return joint_state(stamp, "", joints, [], [], list(torque))


def an_episode(
    number: int = 1,
    length: int = 5,
    seed: int = 0,
    start: int = PERIOD,
    run: str = "0123abcd",
    phase: str = "train",
    over: bool = True,
) -> tuple[list[Step], dict[int, np.ndarray]]:
    """Steps that follow each other, and the torque that answered each."""
    rng = np.random.default_rng([number, seed])
    goal = rng.uniform(-0.3, 0.3, 3)
    steps, torques = [], {}
    for at in range(length + 1):
        last = over and at == length
        stamp = start + at * PERIOD
        place = Place(run, phase, number, at, last)
        torque = np.zeros(2) if last else rng.uniform(-1.0, 1.0, 2)
        steps.append(
            Step(place, stamp, rng.uniform(-1, 1, 2), rng.uniform(-1, 1, 2), torque, goal)
        )
        if not last:
            torques[stamp] = 0.5 * torque  # the guard halved it
    return steps, torques


def write_bag(
    directory: Path,
    contents: Iterable[tuple[str, bytes]],
    about: dict[str, str] = ABOUT,
    kinds: dict[str, str] | None = None,
) -> Path:
    """A bag with messages of topics, one every millisecond."""
    messages = [
        Message(name, data, 1_000_000_000 + 1_000_000 * at, 1_000_000_000 + 1_000_000 * at)
        for at, (name, data) in enumerate(contents)
    ]
    topics = {
        one.topic: topic(one.topic, (kinds or {}).get(one.topic, JOINT_STATE)) for one in messages
    }
    Bag(directory, about).add_file(messages, topics)
    return directory


def contents_of(*episodes) -> list[tuple[str, bytes]]:
    """What a recorder hears of some episodes."""
    heard = []
    for steps, torques in episodes:
        for step in steps:
            if step.stamp in torques:
                heard.append((COMMAND, torque_bytes(step.stamp, torques[step.stamp])))
            heard.append((STEP, step_bytes(step)))
    return heard
