"""Every setting, declared once: type, default, unit, range and a sentence.

The YAML files in `config/` hold these settings as ROS parameters, so that the same file serves
`ddpg-ros train --config`, `ros2 run … --params-file` and the launch files. The nodes declare
their parameters from the models below (`nodes/parameters.py`), range and sentence included.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ddpg_ros.errors import ConfigError, nearest

Value = bool | int | float | str | list[int] | list[float] | list[str]

Positive = Annotated[float, Gt(0), Le(1e6)]
NonNegative = Annotated[float, Ge(0), Le(1e6)]
Count = Annotated[int, Ge(0), Le(1_000_000_000)]
PositiveCount = Annotated[int, Gt(0), Le(1_000_000_000)]
Fraction = Annotated[float, Ge(0), Le(1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RobotSection(_Section):
    """The arm, and what of its torque the policy may use."""

    urdf: str = Field(
        "reacher2", description="A URDF's path, or an arm of ours: pendulum, reacher2"
    )
    joints: list[str] = Field([], description="Joints to command, in order; none: all movable")
    tip: str = Field("", description="Link that is the fingertip; empty: the end of the chain")
    torque_limit: list[Positive] = Field(
        [], description="Torque limit of each joint [N·m], at most the URDF's; none: the URDF's"
    )
    torque_rate: Positive = Field(
        1000.0, description="Fastest change of a commanded torque [N·m/s] (libfranka's limit)"
    )


class TaskSection(_Section):
    """What the arm is to do. See `ddpg_ros/tasks/`."""

    name: Literal["reach", "swing_up"] = Field("reach", description="The task")
    episode_seconds: Positive = Field(2.0, description="Time limit of an episode [s]")
    tolerance: Positive = Field(
        0.02,
        description="Success: final distance to the goal [m], or angle from upright [rad]",
    )
    velocity_weight: NonNegative = Field(0.1, description="Weight of the reward's velocity term")
    torque_weight: NonNegative = Field(0.01, description="Weight of the reward's torque term")


class ControlSection(_Section):
    """The control loop."""

    period: Positive = Field(0.04, description="Control period [s]: one torque, one step")
    reset_service: str = Field(
        "simulator/reset", description="Service that begins an episode; empty: the arm goes on"
    )
    state_timeout: Positive = Field(
        5.0, description="Say which topic is silent after this long without a joint state [s]"
    )


class SimSection(_Section):
    """The PyBullet simulator."""

    physics_timestep: Positive = Field(0.01, description="Integration step of the physics [s]")
    gravity: NonNegative = Field(9.81, description="Gravity along −z [m/s²]")
    start_position: list[float] = Field(
        [], description="Centre of the start positions, per joint [rad]; none: zeros"
    )
    start_position_spread: NonNegative = Field(
        3.0, description="Start positions are uniform within ± this of the centre [rad]"
    )
    start_velocity_spread: NonNegative = Field(
        0.0, description="Start velocities are uniform within ± this [rad/s]"
    )
    command_timeout: Positive = Field(
        0.1, description="Real time: a command older than this is replaced by zero torque [s]"
    )
    republish_after: Positive = Field(
        0.2, description="Lock-step: publish the state again after this long without an answer [s]"
    )


class NoiseSection(_Section):
    """Exploration noise on the normalised action."""

    kind: Literal["gaussian", "ornstein_uhlenbeck"] = Field("gaussian", description="The process")
    sigma: NonNegative = Field(0.3, description="Standard deviation at the start")
    sigma_final: NonNegative = Field(0.05, description="Standard deviation after the schedule")
    decay_fraction: Fraction = Field(
        0.8, description="Share of the training over which sigma falls linearly"
    )
    theta: Positive = Field(3.0, description="Ornstein-Uhlenbeck: rate of return to zero [1/s]")


class LearnerSection(_Section):
    """DDPG's hyperparameters. See `ddpg_ros/algo/`."""

    hidden: list[PositiveCount] = Field(
        [64, 64], min_length=1, description="Width of each hidden layer; at least one"
    )
    actor_learning_rate: Positive = Field(1e-3, description="Adam's step size for the actor")
    critic_learning_rate: Positive = Field(1e-3, description="Adam's step size for the critic")
    discount: Annotated[float, Ge(0), Lt(1)] = Field(0.98, description="Discount factor gamma")
    tau: Annotated[float, Gt(0), Le(1)] = Field(0.01, description="Soft update rate of targets")
    batch_size: PositiveCount = Field(128, description="Transitions in a minibatch")
    replay_capacity: PositiveCount = Field(200_000, description="Transitions kept for replay")
    warmup_steps: Count = Field(500, description="Steps of random actions before learning")
    update_to_data: Positive = Field(1.0, description="Updates for each step after the warm-up")
    device: str = Field("cpu", description="Where the learner computes: cpu, cuda, cuda:1 …")
    threads: PositiveCount = Field(1, description="Threads of the learner's matrix work")
    mode: Literal["auto", "eager", "compile", "cudagraph"] = Field(
        "auto", description="How updates run; auto: the fastest that the machine has"
    )
    matmul_precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="Numbers in matrix products; bf16 needs a processor that has it"
    )
    n_step: PositiveCount = Field(1, description="Steps of reward in a target; 1 as in DDPG")
    critic_layer_norm: bool = Field(False, description="Layer normalisation in the critic")
    actor_layer_norm: bool = Field(False, description="Layer normalisation in the actor")
    normalise_observations: bool = Field(
        False, description="Shift and scale observations by their running mean and deviation"
    )
    critics: Literal[1, 2] = Field(1, description="2: targets take the lesser value (TD3)")
    policy_delay: PositiveCount = Field(
        1, description="Updates of the critic for each of actor and targets (TD3: 2)"
    )
    target_noise: NonNegative = Field(
        0.0, description="Standard deviation of noise on target actions (TD3: 0.2)"
    )
    target_noise_clip: Positive = Field(0.5, description="Largest noise on target actions")
    action_penalty: NonNegative = Field(
        0.0, description="Weight of the mean squared action in the actor's loss"
    )
    reset_every: Count = Field(
        0, description="Updates after which the networks are drawn anew; 0: never"
    )


class RunSection(_Section):
    """One training run."""

    seed: Annotated[int, Ge(0), Le(2**31 - 1)] = Field(0, description="Seeds every generator")
    steps: PositiveCount = Field(20_000, description="Control steps to train for")
    eval_episodes: Count = Field(100, description="Greedy episodes after the training")
    clock: Literal["lockstep", "realtime"] = Field(
        "lockstep", description="Simulated time that waits for commands, or the wall clock"
    )
    sync: bool = Field(
        True, description="Lock-step: wait for the learner's share of updates; bit-reproducible"
    )
    directory: str = Field("", description="Run directory; empty: runs/TASK-DATE-TIME")
    policy: str = Field("", description="Policy file to run without learning; empty: train")


class Config(_Section):
    """All settings of an experiment."""

    robot: RobotSection = RobotSection()
    task: TaskSection = TaskSection()
    control: ControlSection = ControlSection()
    sim: SimSection = SimSection()
    noise: NoiseSection = NoiseSection()
    learner: LearnerSection = LearnerSection()
    run: RunSection = RunSection()

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
    def _lockstep_needs_resets(self) -> "Config":
        if self.run.clock == "lockstep" and not self.control.reset_service:
            raise ValueError(
                "control.reset_service is empty while run.clock is lockstep, in which time "
                "stands still between episodes; expected a service, or run.clock: realtime"
            )
        return self

    @property
    def substeps(self) -> int:
        """Physics steps in one control period."""
        return round(self.control.period / self.sim.physics_timestep)

    @property
    def takes_turns(self) -> bool:
        """Whether the control loop waits for the learner's share of updates; reproducible."""
        return self.run.sync and self.run.clock == "lockstep"

    @property
    def episode_steps(self) -> int:
        """Time limit of an episode [steps]."""
        return max(1, round(self.task.episode_seconds / self.control.period))

    def replace(self, **settings: Value | None) -> "Config":
        """Return a copy with settings replaced, `run__seed=3` for `run.seed`; None is left alone.

        Raises:
            ConfigError: a value out of its range.
        """
        given = {key.replace("__", "."): v for key, v in settings.items() if v is not None}
        return from_parameters(to_parameters(self) | given, "the command line")


def to_parameters(config: Config) -> dict[str, Value]:
    """Flatten to ROS parameter names: `learner.batch_size`."""
    sections = config.model_dump()
    return {f"{name}.{key}": v for name, section in sections.items() for key, v in section.items()}


def from_parameters(parameters: Mapping[str, Value], source: str = "the parameters") -> Config:
    """Build and check a configuration from flat ROS parameter names.

    Raises:
        ConfigError: an unknown name (with the nearest known one) or a value out of its range.
    """
    known = to_parameters(Config())
    for name in parameters:
        if name not in known:
            raise ConfigError(f"{source}: there is no setting '{name}'{nearest(name, known)}")
        if isinstance(parameters[name], bool) and not isinstance(known[name], bool):
            raise ConfigError(
                f"{source}: {name} is {parameters[name]}; expected a value like {known[name]!r}."
            )
    sections: dict[str, dict[str, Value]] = {}
    for name, value in parameters.items():
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    try:
        return Config.model_validate(sections)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in first["loc"])
    if not where:
        return f"{message}."
    return f"{where} is {first['input']!r}; {message[0].lower()}{message[1:]}."


def load_config(path: str | Path) -> Config:
    """Read a configuration: a YAML file in ROS parameter form, `/**: ros__parameters: …`.

    Args:
        path: the file, or the name of a configuration that ships with this package (`reach`).

    Raises:
        ConfigError: no such file, not to be read, no YAML, not in parameter form, an unknown
            key, a bad value.
    """
    file = find_config(path)
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{file} is not valid YAML: {problem}.") from None
    shape = "expected '/**:', below it 'ros__parameters:', below that the settings"
    if not isinstance(document, dict) or not all(
        isinstance(node, dict) and isinstance(node.get("ros__parameters"), dict)
        for node in document.values()
    ):
        raise ConfigError(f"{file} is not a ROS parameter file; {shape}.")
    flat: dict[str, Value] = {}
    for node in document.values():
        flat |= _flatten(node["ros__parameters"])
    return from_parameters(flat, str(file))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    flat: dict[str, Value] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat |= _flatten(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def save_config(config: Config, path: Path) -> None:
    """Write a configuration as a ROS parameter file that nodes and `load_config` read.

    Empty lists are left out: a ROS parameter file cannot say what type they are. No list that
    may be empty has another default, so that they come back empty.
    """
    tree = {
        name: {key: value for key, value in section.items() if value != []}
        for name, section in config.model_dump().items()
    }
    text = yaml.safe_dump({"/**": {"ros__parameters": tree}}, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def find_config(path: str | Path) -> Path:
    """Return the file that `path` (a file or the name of one of ours) stands for."""
    file = Path(path).expanduser()
    if file.is_file():
        return file
    own: dict[str, Path] = {}
    package, *above = Path(__file__).resolve().parents
    installed = [parent / "share" / "ddpg_ros" / "config" for parent in above]
    for folder in (package.parent / "config", *installed):
        for candidate in sorted(folder.glob("*.yaml")):
            own.setdefault(candidate.stem, candidate)
    if str(path) in own:
        return own[str(path)]
    raise ConfigError(
        f"there is no configuration file '{path}'; give the path of a YAML file or one of ours "
        f"({', '.join(own)}){nearest(file.stem, own)}"
    )
