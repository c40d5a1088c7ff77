"""Finds the task that a name stands for: one of ours, of another package, or a class by its path.

A package registers a task in its metadata, under the entry-point group `ddpg_ros.tasks`. Nothing
is imported before its name is asked for, so that a package that fails to import ends no run but
those that name it.
"""

import importlib
import os
import re
import sys
import traceback
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from ddpg_ros.config.task_settings import TaskSettings, model_of
from ddpg_ros.errors import ConfigError, few_of, nearest, shortened

GROUP = "ddpg_ros.tasks"
OURS = {
    "reach": "ddpg_ros.tasks.reach:Reach",
    "pose": "ddpg_ros.tasks.pose:PoseTask",
    "joints": "ddpg_ros.tasks.joints:Joints",
    "track": "ddpg_ros.tasks.track:Track",
    "hold": "ddpg_ros.tasks.hold:Hold",
    "swing_up": "ddpg_ros.tasks.swing_up:SwingUp",
}
DEFAULT = "reach"

METHODS = ("reset", "observe", "reward", "terminated", "success")
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def registered() -> dict[str, list[str]]:
    """Return every registered name, with the class or classes that it stands for."""
    found = {name: [path] for name, path in OURS.items()}
    for point in _entry_points(tuple(sys.path)):
        paths = found.setdefault(point.name, [])
        if point.value not in paths:
            paths.append(point.value)
    return found


def find_task(name: str) -> type[Any]:
    """Return the class of a task.

    Args:
        name: a registered name, or `my_package.push:Push`.

    Raises:
        ConfigError: there is none, two have the name, its module does not import, or it is no
            task.
    """
    known = registered()
    if name in known:
        first, *others = known[name]
        if others:
            raise ConfigError(
                f"two tasks are registered as '{name}': {first} and {', '.join(others)}; "
                "uninstall the package of one, or give task.name as module:Class."
            )
        return _load(first, f"the registered task '{name}'")
    if _PATH.fullmatch(name):
        return _load(name, f"task.name is '{name}'")
    raise ConfigError(
        f"task.name is '{shortened(name)}'; expected a registered task, {few_of(sorted(known))}, "
        f"or the path of a class, as my_package.push:Push{nearest(name, known)}"
    )


def settings_model(name: str) -> type[TaskSettings]:
    """Return the model of a task's settings.

    Raises:
        ConfigError: as `find_task`; or it is no model, or one whose settings cannot be parameters.
    """
    return model_of(find_task(name))


@lru_cache(maxsize=8)
def _entry_points(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of the group; looking takes tens of milliseconds."""
    return tuple(entry_points(group=GROUP))


def _load(path: str, what: str) -> type[Any]:
    """Import `module:Class` and check that it is a task; `what` names it in a sentence."""
    module_name, _, class_name = path.partition(":")
    module = _import(module_name, f"{what}, and" if what.endswith(f"'{path}'") else f"{what}:")
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = [name for name, one in vars(module).items() if _is_own_class(one, module)]
        said = "is there, but is no class" if found is not None else "is not there"
        has = f"; {module_name} has {few_of(classes)}" if classes else ""
        raise ConfigError(
            f"{what}: expected the class {class_name} in {module_name}; it {said}{has}"
            f"{nearest(class_name, classes)}"
        )
    abstract: frozenset[str] = getattr(found, "__abstractmethods__", frozenset())
    lacking = [
        f"{name}()"
        for name in METHODS
        if name in abstract or not callable(getattr(found, name, None))
    ]
    if lacking:
        raise ConfigError(
            f"the task {path} lacks {', '.join(lacking)}; expected a class that extends "
            "ddpg_ros.Task, with at least observe() and reward()."
        )
    model_of(found)
    return found


def _import(name: str, what: str) -> ModuleType:
    """Import a module; those in the current directory are found too, as `python -m` does."""
    with suppress(OSError):  # a directory that was removed
        if not {"", os.getcwd()} & set(sys.path):
            sys.path.append(os.getcwd())
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever another package's own code raises
        reason = shortened(" ".join(f"{type(error).__name__}: {error}".split()), 500)
        raise ConfigError(
            f"{what} {name} does not import ({reason}{_place_of(error)}); install its package, "
            "fix it, or start from the directory that holds it."
        ) from None


def _place_of(error: BaseException) -> str:
    """Return the file and line of another package's code that raised, or nothing."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename != __file__ and "importlib" not in frame.filename:
            return f", {frame.filename}:{frame.lineno}"
    return ""


def _is_own_class(one: object, module: ModuleType) -> bool:
    return isinstance(one, type) and one.__module__ == module.__name__
