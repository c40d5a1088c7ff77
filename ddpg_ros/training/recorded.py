"""Experience out of recordings: the task sees and rewards each step anew.

The rewards are the present task's, so that another reward needs no new data. The goal is the
recorded one. The task draws one for each stretch of steps if the recorded task was another, or if
goals are trajectories.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ddpg_ros.build import build_arm
from ddpg_ros.config.run_directory import RECORDED
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.errors import RecordingError, RunDirectoryError
from ddpg_ros.files.kinds import is_regular
from ddpg_ros.recording.episodes import (
    RecordedEpisodes,
    RecordedStep,
    episodes_of,
    period_of,
)
from ddpg_ros.recording.reading import Recording, read_recording
from ddpg_ros.recording.records_file import Records, save_records
from ddpg_ros.recording.step_messages import is_wanted
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.units import units_of
from ddpg_ros.safety.guard import Guard
from ddpg_ros.tasks import Task, answers
from ddpg_ros.training.n_step import NStep
from ddpg_ros.training.seeds import RECORDED_STREAM, stream
from ddpg_ros.types import Experience, RecordLayout, Transition, Vector

_ROUNDING = 1e-4  # of a torque limit: what was sent went through a float32 and a text
_OF_WEIGHT = ("robot.payload_mass", "robot.payload_centre", "sim.gravity")
_NOWHERE = [0.0, 0.0, 0.0]  # a centre that is not given; a mass or gravity of 0, too

_PERIOD_MARGIN = 0.1  # share by which the recorded period may differ


@dataclass(frozen=True)
class Recorded:
    """What recordings came to."""

    records: Records
    sentences: list[str]  # one a recording, for the user


def experience_of(
    config: Config,
    paths: Sequence[Path],
    progress: Callable[[Path], object] = lambda path: None,
) -> Recorded:
    """Return the experience of recordings, in their order.

    Args:
        config: arm, task, discount and n-step returns.
        paths: files and directories, see `reading.files_of`.
        progress: called with each before it is read.

    Raises:
        RecordingError: one of them cannot be used; the sentence says which and why.
    """
    arm = robot, task, _ = build_arm(config)
    limit = robot.torque_limit(config.robot.torque_limit)
    layout = RecordLayout(task.observation_size, len(robot.joints))
    rng = stream(config.run.seed, RECORDED_STREAM)
    rows: list[Records] = []
    sentences: list[str] = []
    for path in paths:
        progress(path)
        recording = read_recording(path, is_wanted)
        episodes = episodes_of(recording, robot.joints)
        _require_period(path, episodes, config.control.period)
        _require_limit(path, episodes, robot, limit)
        _require_gravity(path, recording, config)
        same_task = recording.about.get("task", config.task.name) == config.task.name
        before = len(rows)
        for stretch in episodes.stretches:
            steps = NStep(config.learner.n_step, config.learner.discount)
            rows += [
                layout.pack(one) for one in _learn(steps, arm, stretch, limit, same_task, rng)
            ]
        sentences.append(_sentence(path, episodes, len(rows) - before, same_task))
    records = np.array(rows, dtype=np.float32).reshape(len(rows), layout.width)
    if not len(records):
        raise RecordingError(
            "the recordings hold no step whose torque and next state were recorded, too; "
            f"expected some. {' '.join(sentences)}"
        )
    most = config.learner.replay_capacity
    if len(records) > most:
        sentences.append(
            f"learner.replay_capacity holds the last {most} of {len(records)} transitions."
        )
    return Recorded(records[-most:], sentences)


def _learn(
    steps: NStep,
    arm: tuple[Robot, Task, Guard],
    stretch: Sequence[RecordedStep],
    limit: Vector,
    same_task: bool,
    rng: np.random.Generator,
) -> list[Experience]:
    """Return the experience of steps that follow each other; as `ControlLoop.tick` makes it."""
    robot, task, guard = arm
    answers.begin(task, rng)
    experience: list[Experience] = []
    if same_task:
        _set_goal(task, stretch[0].goal, robot)
    size = task.observation_size
    observation = answers.observation_of(task, stretch[0].state, size)
    for step in stretch:
        own = step.torque - guard.carrying(step.state.position, step.state.velocity)
        action = (own / limit).astype(np.float32)
        if same_task:
            _set_goal(task, step.next_goal, robot)
        following = answers.observation_of(task, step.next_state, size)
        reward = float(sum(answers.reward_of(task, step.next_state, action).values()))
        over = answers.verdict(task, "terminated", step.next_state)
        experience += steps.add(Transition(observation, action, reward, over, following))
        observation = following
    return experience + steps.end()


def _set_goal(task: Task, numbers: Vector, robot: Robot) -> None:
    """Give the task a recorded goal, if it takes goals and this is another one of its kind."""
    goal = task.goals.from_numbers(numbers, robot) if task.takes_goals else None
    if goal is not None and not np.array_equal(goal, task.goal):
        task.goal = goal


def _require_period(path: Path, episodes: RecordedEpisodes, period: float) -> None:
    recorded = period_of(episodes)
    if recorded and abs(recorded / period - 1.0) > _PERIOD_MARGIN:
        raise RecordingError(
            f"{path} has a step every {recorded:.4g} s, and control.period is "
            f"{period:g} s; expected the same. Set control.period to that of the recording, or "
            "leave it out."
        )


def _require_limit(path: Path, episodes: RecordedEpisodes, robot: Robot, limit: Vector) -> None:
    torques = [step.torque for stretch in episodes.stretches for step in stretch]
    if not torques:
        return
    largest = np.abs(torques).max(axis=0)
    beyond = np.flatnonzero(largest > limit * (1.0 + _ROUNDING))
    if len(beyond):
        at = int(beyond[0])
        unit = units_of(robot.kinds)[at].torque
        raise RecordingError(
            f"{path} has {largest[at]:.4g} {unit} at joint '{robot.joints[at]}', and "
            f"robot.torque_limit is {limit[at]:g} {unit} there; expected at most that. Set "
            "robot.torque_limit to that of the recording."
        )


def _require_gravity(path: Path, recording: Recording, config: Config) -> None:
    recorded, own = recording.about.get("gravity"), config.robot.gravity
    if recorded not in (None, own):
        raise RecordingError(
            f"{path} was recorded with robot.gravity {recorded}, and here it is {own}; the same "
            "torques would mean another action. Set robot.gravity to that of the recording."
        )
    if own != "model":
        return
    theirs, ours = _settings_of(recording), to_parameters(config)
    for name in _OF_WEIGHT:
        before = theirs.get(name, ours[name])
        if (before or _NOWHERE) != (ours[name] or _NOWHERE):
            raise RecordingError(
                f"{path} was recorded with {name} {before}, and here it is {ours[name]}; what "
                f"carried the arm would be taken for another action. Set {name} to that of the "
                "recording."
            )


def _settings_of(recording: Recording) -> dict[str, Any]:
    """Return the settings that a recording was made with, as far as it says so."""
    try:
        found = yaml.safe_load(recording.about.get("settings", ""))
    except yaml.YAMLError:
        found = None
    return found if isinstance(found, dict) else {}


def _sentence(path: Path, episodes: RecordedEpisodes, rows: int, same_task: bool) -> str:
    left_out = [
        f"{count} without {what}"
        for count, what in (
            (episodes.without_torque, "a torque of their own"),
            (episodes.without_next, "the next state"),
        )
        if count
    ]
    goals = "" if same_task else "; another task's: goals are drawn anew"
    return (
        f"{path}: {rows} transitions of {episodes.steps} steps in {episodes.episodes} episodes"
        f"{'; left out: ' + ', '.join(left_out) if left_out else ''}{goals}."
    )


def keep_recorded(recorded: Recorded, config: Config, run_dir: Path) -> None:
    """Write the experience into a run directory, for the worker.

    Raises:
        RunDirectoryError: it cannot be written.
    """
    try:
        about = {"recordings": config.run.recordings}
        save_records(run_dir / RECORDED, recorded.records, about)
    except OSError as error:
        raise RunDirectoryError(
            f"{run_dir / RECORDED} cannot be written ({error.strerror or error}); it takes "
            f"{recorded.records.nbytes} bytes. Make room on that disk."
        ) from None


def recorded_if_missing(config: Config) -> Recorded | None:
    """Return the experience of `run.recordings` unless the run directory holds it already.

    Raises:
        RecordingError: a recording that cannot be used.
    """
    there = config.run.directory and is_regular(Path(config.run.directory) / RECORDED)
    if not config.run.recordings or there:
        return None
    return experience_of(config, [Path(name) for name in config.run.recordings])
