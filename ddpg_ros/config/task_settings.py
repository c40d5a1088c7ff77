"""The settings of a task: those that every task has, and the model that a task's class adds."""

import sys
from functools import reduce
from typing import ClassVar

from pydantic import Field, ValidationError

from ddpg_ros.config.fields import Positive, Section, kind_of
from ddpg_ros.errors import ConfigError, shortened


class TaskSettings(Section):
    """The settings that every task has; a task's own model extends this one."""

    retired: ClassVar[frozenset[str]] = frozenset()
    """Names of settings that the task no longer has; files that hold them are still read."""

    name: str = Field("", description="The task: a registered name, or my_package.push:Push")
    episode_seconds: Positive = Field(2.0, description="Time limit of an episode [s]")


def model_of(task: type) -> type[TaskSettings]:
    """Return the model of a task's settings: the `Settings` of its class.

    Raises:
        ConfigError: it is no model, or one whose settings cannot be parameters.
    """
    path = f"{task.__module__}:{task.__qualname__}"
    model = getattr(task, "Settings", TaskSettings)
    if not (isinstance(model, type) and issubclass(model, TaskSettings)):
        raise ConfigError(
            f"the Settings of the task {path} are {shortened(repr(model))}; expected a class that "
            "extends ddpg_ros.Task.Settings."
        )
    place: object = sys.modules.get(model.__module__)
    if (
        reduce(lambda at, part: getattr(at, part, None), model.__qualname__.split("."), place)
        is not model
    ):
        raise ConfigError(
            f"the Settings of the task {path} are not found as {model.__module__}:"
            f"{model.__qualname__}, where other processes import them; define them in the class "
            "of the task, and that at the top of its module."
        )
    for name, field in model.model_fields.items():
        if name in _OF_EVERY_TASK and kind_of(field) != kind_of(_OF_EVERY_TASK[name]):
            raise ConfigError(
                f"the setting {name} of the task {path} is of type {field.annotation}; every task "
                f"has {name} as {kind_of(_OF_EVERY_TASK[name])[0].__name__}: rename yours."
            )
        if field.is_required():
            raise ConfigError(
                f"the setting {name} of the task {path} has no default; give it one, as in "
                f"{name}: float = Field(0.1, gt=0, description=…)."
            )
        if kind_of(field)[0] not in (bool, int, float, str):
            raise ConfigError(
                f"the setting {name} of the task {path} is of type {field.annotation}; expected "
                "bool, int, float, str, a Literal, or a list of one of them."
            )
    try:
        defaults = model().model_dump()
        model.model_validate(defaults, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"the setting {setting} of the task {path} has the default "
            f"{shortened(repr(first['input']))}; "
            f"{first['msg'].removeprefix('Value error, ').lower()}."
        ) from None
    except Exception as error:  # whatever a default or validator of another package raises
        raise failed(path, error) from error
    return model


def failed(path: str, error: Exception) -> ConfigError:
    """Return the refusal of settings whose own code raised `error`; `path` names their task."""
    what = shortened(" ".join(f"{type(error).__name__}: {error}".split()), 500)
    return ConfigError(f"the Settings of the task {path} failed: {what}.")


_OF_EVERY_TASK = TaskSettings.model_fields
