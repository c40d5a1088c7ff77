"""`--resume`: everything is checked before anything of the run changes on the disk."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.config.parameter_file import load_config, save_config
from ddpg_ros.config.run_directory import Run, hold_run
from ddpg_ros.config.settings import Config
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import ConfigError
from ddpg_ros.files.unused import CONFIG
from ddpg_ros.training.resuming import Resumed, load_resumed, require_resumable
from ddpg_ros.worker.warm_start_file import warm_start_of


class ResumedRun(NamedTuple):
    """A run that goes on, and where."""

    run: Run
    resumed: Resumed

    @property
    def sentence(self) -> str:
        """Where the run goes on, in one line."""
        steps, config = self.run.config.run.steps, self.run.config
        line = f"resuming {self.run.directory} at step {self.resumed.step} of {steps}"
        if config.synchronous and not self.resumed.exact:
            line += ", with a new episode: it was saved in the middle of one"
        return f"{line}."

    @property
    def resets_before(self) -> int:
        """Start states that the simulator has drawn for the run."""
        control = self.resumed.control
        return 0 if control is None else int(control.get("begun", 0))


def environment_of(directory: Path) -> str:
    """Return the Gymnasium environment of a run; empty for an arm.

    Raises:
        DdpgRosError: as `load_resumed`.
    """
    about = load_resumed(directory.expanduser().resolve()).about
    return "" if about.get("joints") else str(about.get("task", ""))


def resume_run(
    directory: Path,
    given: Mapping[str, Any],
    gym: str = "",
    of_the_nodes: Mapping[str, Any] = MappingProxyType({}),
) -> ResumedRun:
    """Check that a run may go on with what is given; write its settings if they have changed.

    Args:
        directory: the run directory.
        given: settings by their names, that replace those of the run; None leaves one as it is.
        gym: the id of its Gymnasium environment; empty for an arm.
        of_the_nodes: settings that the agent is started with besides.

    Raises:
        DdpgRosError: the run cannot go on; the sentence says why.
    """
    path = directory.expanduser().resolve()
    resumed = load_resumed(path)
    own = load_config(path / CONFIG).with_parameters({"run.directory": str(path)})
    config = own.with_parameters(given, source="the command line")
    trained = config.with_parameters(of_the_nodes)
    require_resumable(path, resumed, _about(trained, gym), config.run.steps)
    warm_start_of(config, path)  # what it began with is still there
    with ExitStack() as stack:
        stack.enter_context(hold_run(path))  # of another process, that still writes
        if config != own:
            save_config(config, path / CONFIG)
    resuming = config.with_parameters({"run.resume": True})
    return ResumedRun(Run(path, path / CONFIG, resuming), resumed)


def _about(config: Config, gym: str) -> PolicyAbout:
    if config.run.policy:
        raise ConfigError(
            f"run.policy is {config.run.policy!r}, a policy to run without learning; leave it out "
            "to go on with a training."
        )
    if not gym:
        robot, task, _ = build_arm(config)
        return policy_about(config, robot, task)
    from ddpg_ros.training.gymnasium_environment import Environment
    from ddpg_ros.training.gymnasium_session import about

    env = Environment(gym)
    env.close()
    return about(env, config)
