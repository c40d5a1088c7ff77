"""The configuration: all sections, what must fit together, and the way from and to parameters."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal, get_args

from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ddpg_ros.config.fields import Section, kind_of
from ddpg_ros.config.sections import (
    ControlSection,
    LearnerSection,
    NoiseSection,
    RobotSection,
    RunSection,
    SafetySection,
    SimSection,
)
from ddpg_ros.config.task_registry import DEFAULT as DEFAULT_TASK
from ddpg_ros.config.task_registry import settings_model
from ddpg_ros.config.task_settings import TaskSettings, failed
from ddpg_ros.config.yaml_text import read_number
from ddpg_ros.errors import ConfigError, DdpgRosError, nearest, shortened

Value = bool | int | float | str | list[int] | list[float] | list[str]
"""What a setting may hold: what a ROS parameter may hold."""


class Config(Section):
    """All settings of an experiment."""

    robot: RobotSection = RobotSection()
    safety: SafetySection = SafetySection()
    task: SerializeAsAny[TaskSettings] = Field(default_factory=lambda: task_settings({}))
    control: ControlSection = ControlSection()
    sim: SimSection = SimSection()
    noise: NoiseSection = NoiseSection()
    learner: LearnerSection = LearnerSection()
    run: RunSection = RunSection()

    @field_validator("task", mode="before")
    @classmethod
    def _by_its_own_model(cls, given: Any) -> Any:
        return task_settings(given) if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _physics_divides_period(self) -> "Config":
        ratio = self.control.period / self.sim.physics_timestep
        if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6:
            raise ValueError(
                f"control.period {self.control.period:g} s is not a multiple of "
                f"sim.physics_timestep {self.sim.physics_timestep:g} s; expected a whole number "
                f"of them, for example {max(1, round(ratio)) * self.sim.physics_timestep:g} s"
            )
        return self

    @model_validator(mode="after")
    def _a_weight_to_carry(self) -> "Config":
        if self.robot.gravity == "model" and not self.sim.gravity:
            raise ValueError(
                "robot.gravity is model while sim.gravity is 0, so that there is no weight to "
                "carry; expected robot.gravity: none, or sim.gravity: 9.81"
            )
        return self

    @model_validator(mode="after")
    def _lockstep_needs_resets(self) -> "Config":
        if self.run.clock == "lockstep" and not self.control.reset_service:
            raise ValueError(
                "control.reset_service is empty while run.clock is lockstep, in which time "
                "stands still between episodes; expected a service, or run.clock: realtime"
            )
        return self

    @model_validator(mode="after")
    def _replay_holds_a_minibatch(self) -> "Config":
        batch, capacity = self.learner.batch_size, self.learner.replay_capacity
        if batch > capacity:
            raise ValueError(
                f"learner.batch_size is {batch}, more than learner.replay_capacity, {capacity}"
            )
        return self

    @model_validator(mode="after")
    def _offline_needs_recordings(self) -> "Config":
        if self.run.offline and not self.run.recordings:
            raise ValueError(
                "run.offline is set and run.recordings is empty; expected recordings to learn "
                "from (ddpg-ros train --from-bag FILE --offline)"
            )
        return self

    @model_validator(mode="after")
    def _the_driver_can_hold(self) -> "Config":
        array = self.control.command_interface == "effort_array"
        if self.safety.fallback == "hold" and array:
            raise ValueError(
                "safety.fallback is hold while control.command_interface is effort_array, whose "
                "controller keeps the last effort for ever; expected damping or zero"
            )
        return self

    @property
    def substeps(self) -> int:
        """Physics steps in one control period."""
        return round(self.control.period / self.sim.physics_timestep)

    @property
    def synchronous(self) -> bool:
        """Whether the control loop waits for the learner's share of updates; reproducible."""
        return self.run.sync and self.run.clock == "lockstep"

    @property
    def recording(self) -> Literal["off", "latch", "all"]:
        """What is recorded, with `auto` decided."""
        if self.run.record == "auto":
            return "latch" if self.run.clock == "realtime" else "off"
        return self.run.record

    @property
    def episode_steps(self) -> int:
        """Time limit of an episode [steps]."""
        return max(1, round(self.task.episode_seconds / self.control.period))

    def with_parameters(
        self, given: Mapping[str, Value | None], *, source: str = "the settings"
    ) -> "Config":
        """Return a copy with settings replaced.

        Another `task.name` begins with its own settings, but for those that every task has.

        Args:
            given: settings by the names of their parameters; None leaves one as it is.
            source: who asks for them, for the sentence of a refusal.

        Raises:
            ConfigError: an unknown name, a value of another kind or out of its range.
        """
        own, new = to_parameters(self), {k: v for k, v in given.items() if v is not None}
        if new.get("task.name", self.task.name) != self.task.name:
            own = {k: v for k, v in own.items() if k in _OF_EVERY_TASK or k[:5] != "task."}
        return from_parameters(own | new, source)


_OF_EVERY_TASK = {f"task.{name}" for name in TaskSettings.model_fields}


def task_settings(given: Mapping[str, Any]) -> TaskSettings:
    """Return the settings of a task, as its own model; `given` holds its name and others.

    Raises:
        ConfigError: there is no such task, or the code of its settings fails.
        ValidationError: a setting that it has not, or a value out of its range.
    """
    name = given.get("name", DEFAULT_TASK)
    model = settings_model(name) if isinstance(name, str) else TaskSettings
    try:
        return model.model_validate({"name": name, **given}, strict=True)
    except (ValidationError, DdpgRosError):
        raise
    except Exception as error:  # whatever a validator of another package raises
        raise failed(str(name), error) from error


def to_parameters(config: Config) -> dict[str, Value]:
    """Flatten to ROS parameter names: `learner.batch_size`."""
    sections = config.model_dump()
    return {f"{name}.{key}": v for name, section in sections.items() for key, v in section.items()}


def field_of(name: str, config: Config) -> FieldInfo:
    """Return how a setting is declared; those of the task, by the task that `config` names."""
    section, _, key = name.partition(".")
    model: type[Section] = type(getattr(config, section))
    return model.model_fields[key]


def from_parameters(parameters: Mapping[str, Any], source: str = "the parameters") -> Config:
    """Build and check a configuration from flat ROS parameter names.

    A whole number serves as a float and the other way round, and text that is a number as one.

    Raises:
        ConfigError: an unknown name (with the nearest known one), a value of another kind or out
            of its range, a task that is not there.
    """
    task = parameters.get("task.name", DEFAULT_TASK)
    try:
        defaults = Config(task=task_settings({"name": task} if isinstance(task, str) else {}))
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None
    retired = {f"task.{name}" for name in defaults.task.retired}
    known = to_parameters(defaults)
    problems: list[str] = []
    sections: dict[str, dict[str, Any]] = {}
    for name, value in parameters.items():
        if name in retired:
            continue
        if name not in known:
            inside = next((own for own in known if own.startswith(f"{name}.")), "")
            problems.append(
                f"'{name}' is a section, not a setting; expected settings below it, such as "
                f"{inside}."
                if inside
                else f"there is no setting '{shortened(name)}'{nearest(name, known)}"
            )
        elif value is None:
            problems.append(
                f"{name} has no value; expected one like {known[name]!r}, or no such line at all."
            )
        elif value is False and "off" in get_args(field_of(name, defaults).annotation):
            section, _, key = name.partition(".")  # YAML reads the word as false
            sections.setdefault(section, {})[key] = "off"
        elif isinstance(value, bool) and not isinstance(known[name], bool):
            hint = "; put text in quotes" if isinstance(known[name], str) else ""
            problems.append(f"{name} is {value}; expected a value like {known[name]!r}{hint}.")
        else:
            section, _, key = name.partition(".")
            kind, is_list = kind_of(field_of(name, defaults))
            sections.setdefault(section, {})[key] = (
                [_as_kind(item, kind) for item in value]
                if is_list and isinstance(value, list)
                else _as_kind(value, kind)
            )
    if problems:
        raise ConfigError(f"{source}: {' '.join(problems)}")
    try:
        return Config.model_validate(sections, strict=True)
    except ValidationError as error:
        sentences = " ".join(map(_sentence, error.errors()))
        raise ConfigError(f"{source}: {sentences}") from None


def _as_kind(value: Any, kind: type) -> Any:
    """Return the number that is meant, where a number is wanted; else the value as it is."""
    if kind in (int, float) and isinstance(value, str):
        with suppress(ValueError):  # thousands of digits, which stay a text
            number = read_number(value.strip())
            value = value if number is None else number
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _sentence(problem: ErrorDetails) -> str:
    message = " ".join(problem["msg"].removeprefix("Value error, ").split())
    where = ".".join(str(part) for part in problem["loc"])
    if not where:
        return f"{message}."
    hint = "; put text in quotes" if problem["type"] == "string_type" else ""
    given = shortened(repr(problem["input"]))
    return f"{where} is {given}; {message[0].lower()}{message[1:]}{hint}."
