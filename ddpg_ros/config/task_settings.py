"""The settings of a task: those that every task has, and the model that a task's class adds."""

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
    for name, field in model.model_fields.items():
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
            f"the setting {setting} of the task {path} has the default {first['input']!r}; "
            f"{first['msg'].lower()}."
        ) from None
    return model
