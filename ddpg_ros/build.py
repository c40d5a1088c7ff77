"""Builds the components that a configuration describes: arm, task, guard and safety."""

import hashlib

from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import ConfigError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.payload import Payload
from ddpg_ros.robot.start import start_interval
from ddpg_ros.safety.deadlines import Deadlines
from ddpg_ros.safety.guard import Guard
from ddpg_ros.safety.state_machine import Safety
from ddpg_ros.safety.weight import require_friction_overcome, require_start_carried
from ddpg_ros.tasks import Task, make_task
from ddpg_ros.version import __version__


def build_arm(config: Config) -> tuple[Robot, Task, Guard]:
    """Build an arm, its task and its guard; this also checks the configuration quickly.

    Raises:
        DdpgRosError: as `build_guard`, a task or a start position that does not fit the arm, or an
            arm that is too heavy for its motors at its start position, or that they do not move.
    """
    robot, guard = build_guard(config)
    task = make_task(config.task, robot)
    require_weight(task, config)
    if config.control.reset_service:  # else the arm is where it is
        start_interval(robot, config.sim)
        require_start_carried(robot, config, guard)
        require_friction_overcome(robot, guard.limits.torque)
    return robot, task, guard


def require_weight(task: Task, config: Config) -> None:
    """Refuse that somebody carries the arm whose weight is the task.

    Raises:
        ConfigError: `robot.gravity` is not `none`.
    """
    if task.needs_weight and config.robot.gravity != "none":
        raise ConfigError(
            f"task.name is {config.task.name}, in which the arm's weight is what there is to "
            f"overcome, and robot.gravity is {config.robot.gravity}; expected robot.gravity: none."
        )


def build_guard(config: Config) -> tuple[Robot, Guard]:
    """Build an arm and its guard, without a task.

    Raises:
        DdpgRosError: a URDF, joint or limit that does not fit the others; or an array interface
            without `robot.joints`, so that only the URDF would determine the array's order.
    """
    robot = Robot.of(config)
    if config.control.command_interface == "effort_array" and not config.robot.joints:
        raise ConfigError(
            "control.command_interface is effort_array, which carries no names, and robot.joints "
            "is empty; expected the controller's joints in the controller's order. From base to "
            f"tip, {robot.tip}, the URDF has robot.joints: [{', '.join(robot.joints)}]."
        )
    return robot, Guard.of(robot, config)


def make_safety(config: Config, guard: Guard, watches_commands: bool = False) -> Safety:
    """Build the safety state machine around a guard; in lock-step it has no deadlines.

    Args:
        config: all settings.
        guard: of the arm.
        watches_commands: whether torques come from another process, whose commands then have
            deadlines in any case.
    """
    period = config.control.period
    watched = watches_commands or config.run.clock == "realtime"
    deadlines = (
        Deadlines.of(period, config.safety.latch_after) if watched else Deadlines.none(period)
    )
    return Safety(guard, config.safety, deadlines, watches_commands)


def policy_about(config: Config, robot: Robot, task: Task) -> PolicyAbout:
    """Return the metadata of a policy for this arm and task, before any training."""
    settings = to_parameters(config)
    for name in ("run.directory", "run.resume"):  # equal trainings make equal files
        del settings[name]
    return PolicyAbout(
        sizes=[task.observation_size, *config.learner.hidden, len(robot.joints)],
        joints=list(robot.joints),
        torque_limit=robot.torque_limit(config.robot.torque_limit).tolist(),
        control_period=config.control.period,
        task=config.task.name,
        urdf_sha256=hashlib.sha256(robot.source).hexdigest(),
        seed=config.run.seed,
        steps=0,
        updates=0,
        package_version=__version__,
        layer_norm=config.learner.actor_layer_norm,
        gravity=config.robot.gravity,
        payload_mass=config.robot.payload_mass,
        payload_centre=list(Payload.of(config.robot).centre),
        config=settings,
    )
