"""Puts the steps and the torques of a recording together again: which state led to which.

A message may be lost, come twice or in another order. So nothing is concluded from the order of
messages or from the time between them: a step says itself which one of which episode it is, and a
torque which state it answers. What does not fit together exactly is left out and counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ddpg_ros.errors import RecordingError
from ddpg_ros.recording.reading import Recording
from ddpg_ros.recording.step_messages import steps_of, torques_of
from ddpg_ros.recording.steps import Step
from ddpg_ros.types import JointState, Vector


class RecordedStep(NamedTuple):
    """A state, the torque that answered it, and the state that this led to."""

    state: JointState
    torque: Vector  # (n,) [N·m], after the guard
    next_state: JointState
    goal: Vector  # (g,) at the state; empty if the task had none, or a trajectory
    next_goal: Vector  # (g,) at the next state


class RecordedEpisodes(NamedTuple):
    """What a recording holds for a learner."""

    stretches: list[list[RecordedStep]]  # steps that follow each other without a gap
    episodes: int
    steps: int  # steps that were recorded, those at the end of an episode not included
    without_torque: int  # left out: no torque with the stamp, or two different ones
    without_next: int  # left out: the next step is missing
    phases: dict[str, int]  # episodes by phase


def period_of(episodes: RecordedEpisodes) -> float:
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
        recording: read with `step_messages.is_wanted`.
        joints: of the arm, in the order that the steps are to have.

    Raises:
        RecordingError: a topic is missing, the joints are others, or stamps contradict.
    """
    steps = steps_of(recording, joints)
    runs: dict[Path, set[str]] = defaultdict(set)
    for bag, step in steps:
        runs[bag].add(step.place.run)
    torques = torques_of(recording, joints, runs)
    return join(recording.path, [step for _, step in steps], torques)


def join(
    path: object, steps: Iterable[Step], torques: Mapping[tuple[str, int], Vector | None]
) -> RecordedEpisodes:
    """Join steps, in any order and any number of times, with the torques that answered them.

    Args:
        path: of the recording, for a sentence.
        steps: as they were recorded.
        torques: by process, `Place.run`, and stamp of the state [ns]; None: two that contradict.

    Raises:
        RecordingError: the stamps of an episode do not grow with its steps.
    """
    episodes = _by_episode(path, steps)
    stretches: list[list[RecordedStep]] = []
    phases: dict[str, int] = defaultdict(int)
    count = without_torque = without_next = 0
    for (run, phase, _), numbered in sorted(episodes.items()):
        phases[phase] += 1
        stretch: list[RecordedStep] = []
        for number in sorted(numbered):
            step, following = numbered[number], numbered.get(number + 1)
            if step.place.over:
                continue
            count += 1
            torque = torques.get((run, step.stamp))
            without_torque += torque is None
            without_next += following is None and torque is not None
            if torque is None or following is None:
                if stretch:
                    stretches.append(stretch)
                stretch = []
            else:
                stretch.append(
                    RecordedStep(
                        _state(step), torque, _state(following), step.goal, following.goal
                    )
                )
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
