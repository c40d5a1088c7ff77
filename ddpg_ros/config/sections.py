"""Every setting but a task's, declared once: type, default, unit, range and a sentence.

The YAML files in `config/` hold these settings as ROS parameters (`parameter_file.py`). The nodes
declare their parameters from these models (`ros/interface/parameters.py`), range and sentence
included. A task's settings are its own (`tasks/`).
"""

import re
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Field, ValidationInfo, field_validator

from ddpg_ros.config.fields import (
    Count,
    Fraction,
    Interval,
    NonNegative,
    Positive,
    PositiveCount,
    Section,
)

_ROS_NAME = re.compile(r"(~?/)?[A-Za-z_{][\w{}]*(/[A-Za-z_{][\w{}]*)*", re.ASCII)
LIGHTEST = 1e-12
"""Of a mass that is smaller, a simulation loses its numbers [kg]."""

_FURTHEST_LOAD = 10.0  # [m] a payload's centre further from the tip is in other units


class RobotSection(Section):
    """The arm, and how much torque the policy may request."""

    urdf: str = Field(
        "reacher2",
        description="Path of a URDF or xacro, an arm of ours (pendulum, reacher2), or a path "
        "within pybullet_data, such as franka_panda/panda.urdf",
    )
    xacro_arguments: list[str] = Field(
        [], description="Arguments of a xacro, name:=value each; empty: its defaults"
    )
    joints: list[str] = Field(
        [], description="Joints to command, in order; empty: all from base to tip"
    )
    tip: str = Field("", description="Link of the fingertip; empty: the end of the chain")
    torque_limit: list[Positive] = Field(
        [],
        description="Torque limit of each joint [N·m], [N] if it slides, at most the URDF's; "
        "empty: the URDF's, which must then state one",
    )
    torque_rate: Positive = Field(
        250.0,
        description="Largest rate at which a torque may move away from zero [N·m/s]; the default "
        "is a quarter of libfranka's 1000",
    )
    gravity: Literal["driver", "model", "none"] = Field(
        "driver",
        description="Who adds the torque g(q) that carries the arm's weight: the robot's driver, "
        "this package by its model of the arm, or nobody",
    )
    payload_mass: NonNegative = Field(
        0.0, description="Mass that the arm carries at its tip, beside those of the URDF [kg]"
    )
    payload_centre: list[float] = Field(
        [],
        description="Centre of the payload's mass in the frame of the tip [m], three numbers; "
        "empty: the frame's origin",
    )

    @field_validator("payload_centre")
    @classmethod
    def _three_numbers(cls, given: list[float]) -> list[float]:
        if len(given) not in (0, 3):
            raise ValueError("expected three numbers [m], or none")
        if any(abs(number) > _FURTHEST_LOAD for number in given):
            raise ValueError(f"expected metres, none beyond {_FURTHEST_LOAD:g}")
        return given

    @field_validator("payload_mass")
    @classmethod
    def _weighs(cls, given: float) -> float:
        if 0.0 < given < LIGHTEST:
            raise ValueError(f"expected 0, or at least {LIGHTEST:g} kg")
        return given


class SafetySection(Section):
    """What may reach the motors, see `ddpg_ros/safety/`.

    A list has one number a joint; an empty list takes the default that its description names.
    """

    torque_rate_safe: NonNegative = Field(
        0.0,
        description="Largest rate at which a torque may move toward zero or the soft limits "
        "[N·m/s], at least 4 × robot.torque_rate; 0: 4 × robot.torque_rate",
    )
    velocity_limit: list[Positive] = Field(
        [],
        description="Velocity limit of each joint [rad/s], [m/s] if it slides, at most the "
        "URDF's; empty: the URDF's, which must then state one",
    )
    soft_margin: NonNegative = Field(
        0.05,
        description="Distance of the soft position limits inside the hard ones [rad], if the "
        "URDF's safety_controller states none",
    )
    sliding_margin: NonNegative = Field(
        0.005, description="As soft_margin, for joints that slide [m]"
    )
    urdf_gains: bool = Field(
        True,
        description="Take k_position and k_velocity from the URDF's safety_controller, if it has "
        "one; false: ignore them",
    )
    k_position: list[Positive] = Field(
        [],
        description="Position gain of the soft limits [1/s]; empty: the URDF's safety_controller, "
        "or at most 5, as the control period and torque rate allow",
    )
    k_velocity: list[Positive] = Field(
        [],
        description="Gain that brakes a joint beyond its velocity or soft limit [N·m·s/rad]; "
        "empty: the URDF's safety_controller, or what the arm's inertia and the period allow",
    )
    power_limit: list[Positive] = Field(
        [], description="Largest power that drives each joint [W]; empty: no limit"
    )
    position_tolerance: NonNegative = Field(
        0.1, description="Distance beyond a hard position limit that latches a fault [rad]"
    )
    sliding_tolerance: NonNegative = Field(
        0.01, description="As position_tolerance, for joints that slide [m]"
    )
    fallback: Literal["damping", "zero", "hold"] = Field(
        "damping",
        description="If an armed policy may not act: damp the joints while their state is fresh, "
        "send zero torque, or send nothing because the driver holds the arm",
    )
    damping: list[Positive] = Field(
        [],
        description="Damping of each joint in a stop [N·m·s/rad]; empty: what the arm's inertia "
        "and the period allow, at each position",
    )
    arming_velocity: Positive = Field(
        0.5, description="Largest joint velocity at which the arm may be armed [rad/s]"
    )
    ramp_seconds: NonNegative = Field(
        1.0, description="Time in which the policy's authority grows from 0 to 1 after arming [s]"
    )
    latch_after: NonNegative = Field(
        0.0,
        description="Real time: age of a joint state that latches a fault [s]; 0: ten control "
        "periods, at least 20 ms and at most 100 ms, but never below 2.5 periods",
    )
    auto_arm: bool = Field(
        False,
        description="Arm without ~/arm at any position, and again when a fault has passed; for "
        "simulated arms",
    )


class ControlSection(Section):
    """The control loop."""

    period: Interval = Field(0.04, description="Control period [s]: one torque, one step")
    reset_service: str = Field(
        "simulator/reset",
        description="Service that starts an episode; empty: an episode starts at the arm's "
        "present state",
    )
    command_interface: Literal["joint_command", "effort_array"] = Field(
        "joint_command",
        description="How torques are sent: named and stamped, or as ros2_control's plain array",
    )
    effort_topic: str = Field(
        "forward_effort_controller/commands",
        description="Topic of the torques if command_interface is effort_array",
    )
    lock_memory: bool = Field(
        False, description="Lock the control loop's memory, so that it is never paged out"
    )
    fifo_priority: Annotated[int, Ge(0), Le(99)] = Field(
        0, description="Real-time priority of the control loop (SCHED_FIFO); 0: none"
    )
    cpus: list[Count] = Field([], description="Processor cores of the control loop; empty: any")
    state_timeout: Positive = Field(
        5.0, description="Time without a joint state after which a node warns [s]"
    )

    @field_validator("reset_service", "effort_topic")
    @classmethod
    def _a_name_in_ros(cls, given: str, info: ValidationInfo) -> str:
        none = not given and info.field_name == "reset_service"
        if not (none or _ROS_NAME.fullmatch(given)):
            raise ValueError(
                "expected a ROS name, such as arm_controller/commands: letters, digits and "
                "underscores, no digit first, parts separated by '/'"
            )
        return given


class SimSection(Section):
    """The PyBullet simulator."""

    physics_timestep: Interval = Field(0.01, description="Integration step of the physics [s]")
    gravity: NonNegative = Field(9.81, description="Gravity along −z [m/s²]")
    start_position: list[float] = Field(
        [], description="Centre of the start positions, per joint [rad]; empty: zeros"
    )
    start_position_spread: NonNegative = Field(
        3.0, description="Start positions are uniform within ± this of the centre [rad]"
    )
    start_velocity_spread: NonNegative = Field(
        0.0, description="Start velocities are uniform within ± this [rad/s]"
    )
    push_torque: list[NonNegative] = Field(
        [],
        description="Largest torque of a push from outside, per joint [N·m]; empty: no pushes",
    )
    push_seconds: Positive = Field(0.2, description="Duration of a push [s]")
    push_every: Interval = Field(
        4.0,
        description="Time in which there is one push, from the episode's start on; it begins in "
        "the first half [s]",
    )
    self_collision: bool = Field(
        True,
        description="Keep links apart that are not joined, by the URDF's collision shapes; pairs "
        "that touch at the start pass through each other",
    )
    command_timeout: Positive = Field(
        0.1, description="Real time: age of a command at which zero torque replaces it [s]"
    )
    republish_after: Positive = Field(
        0.2, description="Lock-step: time without an answer after which a state is resent [s]"
    )


class NoiseSection(Section):
    """Exploration noise on the action in [-1, 1]."""

    kind: Literal["gaussian", "ornstein_uhlenbeck"] = Field("gaussian", description="The process")
    sigma: NonNegative = Field(0.3, description="Standard deviation at the start")
    sigma_final: NonNegative = Field(0.05, description="Standard deviation after the schedule")
    decay_fraction: Fraction = Field(
        0.8, description="Share of the training over which sigma falls linearly"
    )
    theta: Positive = Field(3.0, description="Ornstein-Uhlenbeck: rate of return to zero [1/s]")


class LearnerSection(Section):
    """DDPG's hyperparameters. See `ddpg_ros/algo/`."""

    hidden: list[PositiveCount] = Field(
        [64, 64], min_length=1, description="Width of each hidden layer; at least one"
    )
    actor_learning_rate: Positive = Field(1e-3, description="Adam's step size for the actor")
    critic_learning_rate: Positive = Field(1e-3, description="Adam's step size for the critic")
    discount: Annotated[float, Ge(0), Lt(1)] = Field(0.98, description="Discount factor gamma")
    tau: Annotated[float, Gt(0), Le(1)] = Field(0.01, description="Soft update rate of targets")
    batch_size: PositiveCount = Field(128, description="Transitions in a minibatch")
    replay_capacity: PositiveCount = Field(
        200_000, description="Transitions that the replay buffer holds"
    )
    warmup_steps: Count = Field(500, description="Steps of random actions before learning")
    update_to_data: Positive = Field(1.0, description="Updates for each step after the warm-up")
    device: str = Field("cpu", description="Device of the learner: cpu, cuda, cuda:1 …")
    threads: PositiveCount = Field(
        1, description="Most threads of the learner; small layers use one"
    )
    mode: Literal["auto", "eager", "compile", "cudagraph"] = Field(
        "auto", description="How updates run; auto: the fastest that pays off in this training"
    )
    matmul_precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="Precision of matrix products; bf16 needs hardware support"
    )
    n_step: PositiveCount = Field(1, description="Steps of reward in a target; DDPG: 1")
    critic_layer_norm: bool = Field(False, description="Layer normalisation in the critic")
    actor_layer_norm: bool = Field(False, description="Layer normalisation in the actor")
    normalise_observations: bool = Field(
        False, description="Shift and scale observations by their running mean and deviation"
    )
    critics: Literal[1, 2] = Field(1, description="2: targets use the smaller value (TD3)")
    policy_delay: PositiveCount = Field(
        1, description="Critic updates for each update of the actor and the targets (TD3: 2)"
    )
    target_noise: NonNegative = Field(
        0.0, description="Standard deviation of the noise on target actions (TD3: 0.2)"
    )
    target_noise_clip: Positive = Field(0.5, description="Largest noise on target actions")
    clip_target: bool = Field(
        False, description="Clip targets to the values that the rewards so far allow"
    )
    action_penalty: NonNegative = Field(
        0.0, description="Weight of the mean squared action in the actor's loss"
    )
    preactivation_penalty: NonNegative = Field(
        0.0, description="Weight of the mean squared input of tanh in the actor's loss"
    )
    wide_final_layer: bool = Field(
        False,
        description="Draw the final layers' weights within 1/sqrt(fan-in) like the others', "
        "instead of 0.003",
    )
    averaged_policy: bool = Field(
        False, description="Use the target actor, a running average, as the policy to save"
    )
    reset_every: Count = Field(
        0, description="Updates after which the networks are reset; 0: never"
    )
    earlier_share: Fraction = Field(
        0.5,
        description="With run.init_from: share of each minibatch that comes from the earlier "
        "run's replay buffer at the beginning; 0: its networks alone",
    )
    earlier_updates: PositiveCount = Field(
        10_000, description="With run.init_from: updates over which this share falls to 0"
    )
    critic_first: Count = Field(
        1_000,
        description="With run.init_from and a policy file, which holds no critic: updates at the "
        "beginning that move the critics alone",
    )


class RunSection(Section):
    """One training run."""

    seed: Annotated[int, Ge(0), Le(2**31 - 1)] = Field(0, description="Seed of every generator")
    steps: PositiveCount = Field(20_000, description="Control steps to train for")
    eval_episodes: Count = Field(100, description="Greedy episodes after the training")
    clock: Literal["lockstep", "realtime"] = Field(
        "lockstep", description="Simulated time that waits for commands, or the wall clock"
    )
    sync: bool = Field(
        True, description="Lock-step: wait for the learner's updates, so that a seed reproduces"
    )
    directory: str = Field("", description="Run directory; empty: runs/TASK-DATE-TIME")
    resume: bool = Field(
        False, description="Go on with the run in run.directory, from its newest checkpoint"
    )
    checkpoint_every: Count = Field(
        0, description="Steps after which the end of an episode is saved; 0: by time alone"
    )
    checkpoint_minutes: Positive = Field(
        0.25, description="Time after which the learner is saved [min]"
    )
    init_from: str = Field(
        "",
        description="Run directory or policy file whose networks the training begins with; "
        "empty: untrained ones",
    )
    policy: str = Field("", description="Policy file to run without learning; empty: train")
    record: Literal["auto", "off", "latch", "all"] = Field(
        "auto",
        description="Recordings in recordings/ of the run directory: none, 30 s before and 10 s "
        "after each latch, or everything; auto: latch in real time, off in lock-step",
    )
    record_limit: Positive = Field(
        2000.0, description="Most that recordings may take on the disk [MB]; the oldest go"
    )
    recordings: list[str] = Field(
        [], description="Recordings whose steps fill the replay buffer before the training"
    )
    offline: bool = Field(
        False,
        description="Learn from run.recordings alone: run.steps updates, and no step of the arm "
        "before the evaluation",
    )
