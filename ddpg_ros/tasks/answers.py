"""Asks a task, so that a fault of its own code is a sentence with the method, file and line."""

import math
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from ddpg_ros.errors import DdpgRosError, TaskFailedError, shortened
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.goals import is_finite as is_finite_goal
from ddpg_ros.tasks.task import Task
from ddpg_ros.types import JointState, Vector32


def ask(name: str, method: str, function: Callable[..., Any], *given: Any) -> Any:
    """Return what `function` returns; `name` and `method` are for the sentence.

    Raises:
        TaskFailedError: it raised, or would have ended the program.
    """
    try:
        return function(*given)
    except DdpgRosError:  # a sentence already
        raise
    except (Exception, SystemExit) as error:  # whatever a task's own code raises
        what = shortened(" ".join(f"{type(error).__name__}: {error}".split()), 500)
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise TaskFailedError(
            f"the task {name} failed in {method}(), {last.filename}:{last.lineno}: {what}."
        ) from error


def begin(task: Task, rng: np.random.Generator) -> None:
    """Begin an episode.

    Raises:
        TaskFailedError: the task failed.
    """
    ask(_name(task), "reset", task.reset, rng)


def observation_of(task: Task, state: JointState, size: int) -> Vector32:
    """Take in a state, once, and return its observation, (size,).

    Raises:
        TaskFailedError: the task failed, or gave no `size` finite numbers.
    """
    ask(_name(task), "advance", task.advance, state)
    observation: Vector32 = ask(_name(task), "observe", task.observe, state)
    is_array = isinstance(observation, np.ndarray)
    if not (is_array and observation.shape == (size,) and observation.dtype.kind == "f"):
        what = f"{observation.dtype} {observation.shape}" if is_array else repr(observation)
        raise TaskFailedError(
            f"the task {_name(task)} returned the observation {shortened(what)}; expected float32 "
            f"{(size,)}, as its observation_size says."
        )
    square = observation.dot(observation)  # a fifth of the time of a look at each number
    if not math.isfinite(square) and not np.isfinite(observation).all():
        raise TaskFailedError(
            f"the task {_name(task)} returned the observation {shortened(str(observation))}; "
            "expected finite numbers."
        )
    return observation


def check_goal(task: Task, robot: Robot) -> None:
    """See that a task's goal, if it has one by now, is what its `goals` says.

    Raises:
        TaskFailedError: it is of another kind, or a number of it is not finite.
    """
    goal = task.goal
    if goal is None:
        return
    wanted = ask(_name(task), "goals.fault", task.goals.fault, goal, robot)
    if wanted or not ask(_name(task), "goals", is_finite_goal, goal):
        raise TaskFailedError(
            f"the task {_name(task)} has the goal {shortened(' '.join(repr(goal).split()))}; "
            f"expected {wanted or 'finite numbers'}."
        )


def reward_of(task: Task, state: JointState, action: Vector32) -> dict[str, float]:
    """Return the terms of the reward.

    Raises:
        TaskFailedError: the task failed, or gave other terms than it names, or numbers or a sum
            that are not finite.
    """
    given: dict[str, float] = ask(_name(task), "reward", task.reward, state, action)
    if not (
        isinstance(given, dict)
        and given.keys() == set(task.terms)
        and all(map(is_finite, given.values()))
        and math.isfinite(sum(given.values()))
    ):
        raise TaskFailedError(
            f"the task {_name(task)} returned the reward {shortened(repr(given))}; expected "
            f"finite numbers for {', '.join(task.terms)}."
        )
    return given


def verdict(task: Task, method: str, state: JointState) -> bool:
    """Return what `terminated` or `success` says of a state.

    Raises:
        TaskFailedError: the task failed, or said neither True nor False.
    """
    said = ask(_name(task), method, getattr(task, method), state)
    if not is_truth(said):
        raise TaskFailedError(
            f"the task {_name(task)}: {method}() returned {shortened(repr(said))}; expected True "
            "or False."
        )
    return bool(said)


def is_truth(said: object) -> bool:
    """Return whether an answer is True or False."""
    return isinstance(said, bool | np.bool_)


def is_finite(value: Any) -> bool:
    """Return whether an answer is one finite number."""
    try:
        return not isinstance(value, str | bytes) and math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _name(task: Task) -> str:
    return type(task).__name__
