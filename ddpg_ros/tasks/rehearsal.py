"""One step of a task before anything depends on it: what it gives is what it says it gives."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ddpg_ros.errors import ConfigError, TaskFailedError, shortened
from ddpg_ros.robot.arm import Robot
from ddpg_ros.tasks.answers import ask, check_goal, is_finite, is_truth
from ddpg_ros.tasks.goals import GoalKind
from ddpg_ros.tasks.task import Task
from ddpg_ros.types import JointState


def rehearse(make: Callable[[], Task], name: str, robot: Robot) -> Task:
    """Make a task, begin an episode and take a step with the arm at rest near 0.

    Args:
        make: makes the task.
        name: what to call it in a sentence.
        robot: the arm.

    Raises:
        ConfigError: the task's own code fails, or gives something else than `Task` describes.
    """
    step = _Rehearsal(name)
    task: Task = step.call("__init__", make)
    size = step.attribute(task, "observation_size")
    terms = step.attribute(task, "terms")
    step.attribute(task, "takes_goals")
    counted = isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0
    step.expect(bool(counted), f"observation_size is {size!r}", "a count, an int above 0")
    if isinstance(size, np.integer):  # which no file of a run could hold
        size = task.observation_size = int(size)
    named = isinstance(terms, tuple) and terms and all(map(_is_name, terms))
    step.expect(bool(named), f"terms is {terms!r}", "a tuple of names")
    rest = np.clip(np.zeros(len(robot.joints)), robot.lower, robot.upper)
    state = JointState(0, rest, np.zeros_like(rest))
    step.call("reset", lambda: task.reset(np.random.default_rng(0)))
    kind = step.attribute(task, "goals")
    step.expect(isinstance(kind, GoalKind), f"goals is {kind!r}", "a kind of tasks/goals.py")
    step.call("advance", lambda: task.advance(state))
    there = step.attribute(task, "goal") is not None
    step.expect(there, "goal is None after advance()", "the goal of the episode")
    step.call("goal", lambda: check_goal(task, robot))
    seen = step.call("observe", lambda: task.observe(state))
    step.expect(
        isinstance(seen, np.ndarray) and seen.dtype == np.float32 and seen.shape == (size,),
        f"observe() returned {_described(seen)}",
        f"float32 ({size},), as observation_size says",
    )
    step.expect(
        bool(np.isfinite(seen).all()), f"observe() returned {seen.tolist()}", "finite numbers"
    )
    step.expect(
        not np.shares_memory(seen, step.call("observe", lambda: task.observe(state))),
        "observe() returned the same array twice",
        "a new one each time",
    )
    action = np.zeros(len(robot.joints), dtype=np.float32)
    given = step.call("reward", lambda: task.reward(state, action))
    step.expect(
        isinstance(given, dict) and tuple(given) == terms,
        f"reward() returned {_described(given)}",
        f"the terms {', '.join(terms)}, in that order",
    )
    for term, value in given.items():
        step.expect(is_finite(value), f"reward() returned {term}: {value!r}", "finite numbers")
    for method in ("terminated", "success"):
        said = step.call(method, partial(getattr(task, method), state))
        step.expect(is_truth(said), f"{method}() returned {said!r}", "True or False")
    return task


class _Rehearsal:
    def __init__(self, name: str) -> None:
        self._name = name

    def call(self, method: str, function: Callable[[], Any]) -> Any:
        try:
            return ask(self._name, method, function)
        except TaskFailedError as error:
            raise ConfigError(str(error)) from error

    def attribute(self, task: Task, name: str) -> Any:
        self.expect(hasattr(task, name), f"{name} is not there", f"the attribute {name}")
        return getattr(task, name)

    def expect(self, holds: bool, what: str, wanted: str) -> None:
        if not holds:
            raise ConfigError(f"the task {self._name}: {shortened(what)}; expected {wanted}.")


def _is_name(term: object) -> bool:
    return isinstance(term, str) and term.isprintable() and bool(term.strip())


def _described(given: Any) -> str:
    if isinstance(given, np.ndarray):
        return f"{given.dtype} {given.shape}"
    if isinstance(given, dict):
        return f"the terms {', '.join(map(str, given)) or '(none)'}"
    return repr(given)
