"""The plan of a deployment: policy and guard, and perhaps the simulator in the robot's place."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.build import build_guard
from ddpg_ros.cli.launching import LOG_LEVELS
from ddpg_ros.cli.plan import SIMULATED, ProcessPlan, RunPlan, absolute_namespace
from ddpg_ros.config.parameter_file import (
    find_config,
    read_sections,
    save_config,
    settings_for,
)
from ddpg_ros.config.settings import Config, from_parameters, to_parameters
from ddpg_ros.control.policy import Policy, load_policy
from ddpg_ros.errors import ConfigError
from ddpg_ros.extras import require
from ddpg_ros.ros_domain import require_ros_domain
from ddpg_ros.training.arm_session import require_fit

_NODES = ("simulator", "guard", "policy")
"""In starting order: who listens is there before who sends."""

_FIXED = {
    "run.clock": ("realtime", "follows the wall clock"),
    "run.directory": ("", "keeps no results"),
    "run.policy": ("", "runs the file that --policy names"),
}
"""What a deployment sets whatever a file says, and why."""

_BEHIND_THE_GUARD = (("joint_command", "guarded_command"),)


class Deployment(NamedTuple):
    """What to start, and from where."""

    plan: RunPlan
    folder: Path  # temporary, of the nodes' parameter files
    config: Config  # of the guard


def deploy_plan(
    policy: Path,
    file: str,
    namespace: str,
    simulate: bool,
    assigned: Mapping[str, Any],
    log_level: str = "info",
    gui: bool = False,
) -> Deployment:
    """Check a deployment, write a parameter file for each node, and plan it.

    Args:
        policy: the policy file.
        file: a parameter file, or the name of one of ours; empty: the policy's own settings.
        namespace: of the nodes.
        simulate: the simulator takes the robot's place.
        assigned: further settings, for every node.
        log_level: the least severe messages that the nodes print.
        gui: shows PyBullet's window.

    Raises:
        DdpgRosError: settings that cannot be used, a policy of another arm or task, or a library
            that is not there.
    """
    require_ros_domain()
    require("rclpy", *(["pybullet"] if simulate else []))
    if log_level not in LOG_LEVELS:
        raise ConfigError(f"log level '{log_level}' is not one of {', '.join(LOG_LEVELS)}.")
    absolute = absolute_namespace(namespace)
    trained = load_policy(policy)
    if not trained.about.joints:
        raise ConfigError(
            f"{policy} was trained on Gymnasium's {trained.about.task} and drives no arm."
        )
    names = [name for name in _NODES if simulate or name != "simulator"]
    own = {"policy": {"run.policy": str(policy.resolve())}}
    for name, (value, why) in _FIXED.items():
        if assigned.get(name, value) != value:
            raise ConfigError(
                f"{name} is {assigned[name]!r}, and a deployment {why}; leave it out of --set."
            )
    fixed = {name: value for name, (value, _) in _FIXED.items()}
    configs = {
        name: _settings(name, trained, policy, file, absolute).with_parameters(
            {**assigned, **fixed, **own.get(name, {})},
            source="the command line",
        )
        for name in names
    }
    for config in configs.values():
        _require_disarmed(config)
    require_fit(trained, policy, configs["policy"])
    build_guard(configs["guard"])
    folder = Path(tempfile.mkdtemp(prefix="ddpg_ros-deploy-"))
    return Deployment(
        RunPlan(
            tuple(
                ProcessPlan(
                    name=name,
                    executable=name,
                    params_file=_write(config, folder / f"{name}.yaml"),
                    parameters=(("gui", True),) if gui and name == "simulator" else (),
                    namespace=absolute,
                    log_level=log_level,
                    remappings=_BEHIND_THE_GUARD if name == "simulator" else (),
                )
                for name, config in configs.items()
            ),
            main="policy",
        ),
        folder,
        configs["guard"],
    )


def order_of_arming(config: Config, namespace: str, program: str = "ddpg-ros") -> str:
    """Return how to arm the two nodes, as a sentence.

    `program` is how `ddpg-ros` is called where the sentence is read.

    While the driver holds the arm, the guard sends nothing until it is armed, so that the policy
    goes first; else the guard does.
    """
    holds = config.safety.fallback == "hold"
    names = ("policy", "guard") if holds else ("guard", "policy")
    first, second = (f"{absolute_namespace(namespace)}/{name}/arm" for name in names)
    option = f" --namespace {namespace.strip('/')}" if namespace.strip("/") else ""
    return (
        f"both start disarmed; when the arm may move, '{program} arm{option}' arms both in order: "
        f"{first}, then {second}"
    )


def _settings(name: str, trained: Policy, policy: Path, file: str, namespace: str) -> Config:
    if not file:
        source = f"the settings in {policy}"
        usual = to_parameters(Config())  # the training's simulated arm armed itself
        own = {**trained.about.config, **{name: usual[name] for name, _ in SIMULATED}}
        return from_parameters(own, source)
    path = find_config(file)
    given = settings_for(f"{namespace}/{name}", name, read_sections(path), path)
    return from_parameters(given, str(path))


def _require_disarmed(config: Config) -> None:
    if config.safety.auto_arm:
        raise ConfigError(
            "safety.auto_arm is true; expected false: a deployment starts disarmed, and 'ddpg-ros "
            "arm' arms it."
        )


def _write(config: Config, path: Path) -> Path:
    save_config(config, path)
    return path
