"""`--resume`: everything is checked before anything of the run changes on the disk."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.config.parameter_file import load_config, save_config
from ddpg_ros.config.run_directory import (
    EVALUATION,
    METRICS,
    POLICY,
    STATUS,
    SUMMARY,
    Run,
    hold_run,
)
from ddpg_ros.config.settings import Config, Value
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import ConfigError, RunDirectoryError
from ddpg_ros.files.kinds import at_home, is_regular
from ddpg_ros.files.unused import CONFIG
from ddpg_ros.training.resuming import (
    Resumed,
    load_resumed,
    require_resumable,
    require_run,
)
from ddpg_ros.worker.warm_start_file import warm_start_of

if TYPE_CHECKING:
    import gymnasium


class ResumedRun(NamedTuple):
    """A run that goes on, and where; `begin` is the first to write."""

    run: Run
    resumed: Resumed
    environment: str  # of Gymnasium; empty for an arm
    changed: bool  # whether its settings are others than in its file

    @property
    def sentences(self) -> list[str]:
        """Where the run goes on, and what of its checkpoints is left out, a line each."""
        steps, found = self.run.config.run.steps, self.resumed
        what = "update" if self.run.config.run.offline else "step"
        line = f"resuming {self.run.directory} at {what} {found.taken} of {steps}"
        if found.taken >= steps:
            line += ": only its evaluation is still to come"
        elif found.exact and found.newest > found.step:
            line += (
                f", the last end of an episode that it has; steps {found.step + 1} to "
                f"{found.newest} are done again"
            )
        elif self.run.config.synchronous and not found.exact:
            line += ", with a new episode: it was saved in the middle of one"
        return [f"{refusal} The one before is taken." for refusal in found.refusals] + [f"{line}."]

    @property
    def resets_before(self) -> int:
        """Start states that the simulator has drawn for the run."""
        control = self.resumed.control
        return 0 if control is None else int(control["begun"])

    def begin(self) -> None:
        """Write the settings if they have changed; remove what the earlier process came to.

        Raises:
            RunDirectoryError: the directory cannot be written.
        """
        try:
            if self.changed:
                config = self.run.config.with_parameters({"run.resume": False})
                save_config(config, self.run.config_file)
            for name in (STATUS, SUMMARY):
                (self.run.directory / name).unlink(missing_ok=True)
        except OSError as error:
            raise RunDirectoryError(
                f"the run directory {self.run.directory} cannot be written ({error.strerror}); a "
                "run goes on in its own directory: make room there, or fix its permissions."
            ) from None


def resume_run(
    directory: Path,
    given: Mapping[str, Any],
    held: ExitStack,
    what: "str | gymnasium.Env[Any, Any]" = "",
    of_an_arm: Mapping[str, Any] = MappingProxyType({}),
) -> ResumedRun:
    """Check that a run may go on with what is given.

    Args:
        directory: the run directory.
        given: settings by their names, that replace those of the run; None leaves one as it is.
        held: takes the run directory's lock, from before the first check.
        what: the Gymnasium environment, or its id; empty: that of the run, if it has one.
        of_an_arm: settings that the agent of an arm is started with besides.

    Raises:
        DdpgRosError: the run cannot go on; the sentence says why.
    """
    path = at_home(directory).resolve()
    require_run(path)
    held.enter_context(hold_run(path))
    if given.get("run.directory") is not None:
        raise ConfigError(
            f"run.directory is {given['run.directory']!r}, and a run goes on in its own "
            "directory; leave it out."
        )
    _require_files(path)
    own = load_config(path / CONFIG)
    place: dict[str, Value | None] = {"run.directory": str(path), "run.resume": False}  # moved?
    config = own.with_parameters(given, source="what is given to resume").with_parameters(place)
    resumed = load_resumed(path, config.run.steps)
    environment = "" if resumed.about["joints"] else str(resumed.about["task"])
    trained = config if environment else config.with_parameters(of_an_arm)
    require_resumable(path, resumed, _about(path, trained, environment, what))
    warm_start_of(config, path)  # what it began with is still there
    resuming = config.with_parameters({"run.resume": True})
    return ResumedRun(Run(path, path / CONFIG, resuming), resumed, environment, config != own)


def _require_files(path: Path) -> None:
    """Refuse a folder, a pipe or the like where the run writes a file: it would fail, or wait."""
    for name in (METRICS, EVALUATION, POLICY, STATUS, SUMMARY):
        file = path / name
        if os.path.lexists(file) and not is_regular(file):
            raise RunDirectoryError(
                f"{file} is no file, and the run that goes on writes one there; move it away."
            )


def _about(
    path: Path, config: Config, environment: str, what: "str | gymnasium.Env[Any, Any]"
) -> PolicyAbout:
    """Return what a policy is for by the present settings, arm and environment."""
    if config.run.policy:
        raise ConfigError(
            f"run.policy is {config.run.policy!r}, a policy to run without learning; leave it out "
            "to go on with a training."
        )
    if not environment:
        if what != "":
            raise ConfigError(f"the run {path} is of an arm, not of {what}; leave that out.")
        robot, task, _ = build_arm(config)
        return policy_about(config, robot, task)
    from ddpg_ros.training.gymnasium_environment import Environment
    from ddpg_ros.training.gymnasium_session import about

    env = Environment(what or environment)
    env.close()
    if env.name != environment:
        raise ConfigError(
            f"the run {path} is of the environment {environment}, not of {env.name}; leave that "
            "out."
        )
    return about(env, config)
