"""`ddpg_ros.train`: a training from Python, the same that `ddpg-ros train` runs."""

import json
import signal
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddpg_ros.config.parameter_file import load_config, own_configs
from ddpg_ros.config.run_directory import SUMMARY
from ddpg_ros.config.run_directory import Run as RunDirectory
from ddpg_ros.config.settings import Config, Value
from ddpg_ros.errors import ConfigError, MachineError, RunFailedError
from ddpg_ros.extras import require
from ddpg_ros.files.last_resort import LAST_TRIES, require_whole
from ddpg_ros.files.unused import LOG, remove_unused
from ddpg_ros.training.resuming import has_begun
from ddpg_ros.training.summary import Summary

if TYPE_CHECKING:
    import gymnasium

    from ddpg_ros.cli.resume import ResumedRun

_ASKED = "ddpg_ros.train"
_NOTHING = "The training had not started; nothing was learnt."


@dataclass(frozen=True)
class Run:
    """What a training left behind."""

    directory: Path
    """Holds the settings, the metrics of each episode, the policy, checkpoints and the summary."""

    summary: Summary
    """Steps, updates and times of the training; return and success of the greedy episodes."""

    @property
    def policy(self) -> Path:
        """The policy file, for `load_policy`.

        Raises:
            RunFailedError: the training left none.
        """
        if self.summary.policy is None:
            raise RunFailedError(f"the training in {self.directory} left no policy.")
        return Path(self.summary.policy)


def train(
    what: "str | gymnasium.Env[Any, Any] | Config | None" = None,
    *,
    steps: int | None = None,
    seed: int | None = None,
    directory: str | Path | None = None,
    settings: Mapping[str, Value | None] | None = None,
    config: str | Path = "gym",
    progress: bool | None = None,
    resume: str | Path | None = None,
) -> Run:
    """Train a policy and evaluate it greedily.

    Ctrl-C stops the training, saves policy and summary, and raises KeyboardInterrupt. Stopped by
    that, by `kill -9` or by a power cut, a training goes on from its newest checkpoint:

        ddpg_ros.train("Pendulum-v1", steps=100_000, directory="runs/swing")
        ddpg_ros.train(resume="runs/swing")
        ddpg_ros.train(resume="runs/swing", steps=200_000)  # and now for longer

    Args:
        what: the id of a Gymnasium environment or an environment, both without ROS; or the
            configuration of an arm, which is trained over ROS 2 topics in the simulator. To
            resume, only an environment that Gymnasium cannot make by the id that the run has.
        steps: environment steps to train for; None: what the configuration says.
        seed: seeds every generator; None: what the configuration says.
        directory: the run directory, empty or not there yet; None: runs/NAME-DATE-TIME.
        settings: any other settings by their names, `{"learner.hidden": [256, 256]}`.
        config: the YAML file, or the name of one of ours, that an environment is trained with.
        progress: show the progress on stderr; None: if stderr is a terminal.
        resume: the directory of a run to go on with, with its own configuration; `settings` may
            change what `ddpg-ros train --resume` may, such as `run.eval_episodes`.

    Raises:
        ConfigError: an unknown setting or a value out of its range; an environment or an arm that
            cannot be trained.
        RunDirectoryError: a run directory that is not empty, is in use, or holds no run.
        CheckpointError: a run to resume of another arm, task or learner; one that has taken all
            its steps and is evaluated; or one whose checkpoints do not verify.
        EnvironmentFailedError: the environment's own code failed; what was learnt is saved.
        RunFailedError: a node ended with an error.
    """
    if isinstance(what, str) and what in own_configs():
        raise ConfigError(
            f"'{what}' is a configuration of ours, and no id of a Gymnasium environment; for an "
            f"arm give ddpg_ros.load_config('{what}')."
        )
    given = dict(settings or {})
    for name, value in {"run.steps": steps, "run.seed": seed}.items():
        if given.get(name, value) != value and value is not None:
            raise ConfigError(
                f"{_ASKED}: {name} is {value!r} as an argument and {given[name]!r} in settings; "
                "leave one out."
            )
        given.setdefault(name, value)
    shown = sys.stderr.isatty() if progress is None else progress
    if resume is not None:
        if isinstance(what, Config) or directory is not None or config != "gym":
            raise ConfigError(
                f"{_ASKED}: resume goes on with a run as it began, in its own directory; leave "
                "out the configuration and the directory."
            )
        return _go_on(Path(resume), what, given, shown)
    if what is None or what == "":
        raise ConfigError(
            f"{_ASKED} is given neither an environment, nor the Config of an arm, nor resume; "
            "expected one of them."
        )
    from ddpg_ros.cli.prepare import in_new_directory, prepare

    if isinstance(what, Config):
        _require_ros()
        env, base = None, what
    else:
        env, base = what, in_new_directory(load_config(config), str(config))
    asked = base.with_parameters(given, source=_ASKED)
    where = None if directory is None else Path(directory)
    with ExitStack() as held:
        run = prepare(asked, where, "" if env is None else env, "", held, _console(shown))
        held.callback(remove_unused, run.directory)
        return _train_arm(run, shown) if env is None else _train_on_environment(env, run, shown)


def _go_on(
    directory: Path,
    what: "str | gymnasium.Env[Any, Any] | None",
    given: dict[str, Value | None],
    shown: bool,
) -> Run:
    from ddpg_ros.cli.plan import SIMULATED
    from ddpg_ros.cli.prepare import prepare_resumed
    from ddpg_ros.cli.resume import resume_run

    console = _console(shown)
    with ExitStack() as held:
        resumed = resume_run(directory, given, held, what or "", dict(SIMULATED))
        if not resumed.environment:
            _require_ros()
        prepare_resumed(resumed, "", held, what or "")
        for line in resumed.sentences:
            console.print(line, highlight=False, soft_wrap=True)
        if resumed.environment:
            return _train_on_environment(what or resumed.environment, resumed.run, shown)
        return _train_arm(resumed.run, shown, resumed)


def _train_on_environment(
    what: "str | gymnasium.Env[Any, Any]", run: RunDirectory, shown: bool
) -> Run:
    from ddpg_ros.training.gymnasium_session import train_on_gymnasium

    with _progress(run, shown):
        summary, number, failure, complaints = train_on_gymnasium(what, run.config, run.directory)
    saved = summary.save(run.directory, 0.0 if number else LAST_TRIES)
    require_whole([*complaints, saved])
    learnt = (run.directory / SUMMARY).exists()
    if failure:
        before = f"What was learnt before is in {run.directory}." if learnt else _NOTHING
        raise RunFailedError(f"{failure} {before}")
    if number:
        where = f"Policy and summary are in {run.directory}." if learnt else _NOTHING
        _interrupt(number, where, run.directory)
    return Run(run.directory, summary)


def _require_ros() -> None:
    if find_spec("rclpy") is None:
        raise MachineError(
            "an arm is trained over ROS 2, and rclpy is not here: source a ROS 2, or train "
            "without it, with ddpg_ros.train(sim.gym_env.ArmEnv(config))."
        )
    require("pybullet")


def _train_arm(run: RunDirectory, shown: bool, resumed: "ResumedRun | None" = None) -> Run:
    from ddpg_ros.cli.prepare import print_arm
    from ddpg_ros.cli.running import train_over_topics

    console = _console(shown)
    print_arm(run.config, console)
    outcome = train_over_topics(run, "", False, console, resumed)
    if outcome.kind == "failed":
        raise RunFailedError(outcome.message)
    file = run.directory / SUMMARY
    if outcome.kind == "interrupted":
        where = f"What was learnt is in {run.directory}." if file.exists() else _NOTHING
        remove_unused(run.directory, LOG)
        _interrupt(outcome.code - 128, where, run.directory)
    return Run(run.directory, Summary(**json.loads(file.read_text(encoding="utf-8"))))


def _interrupt(number: int, where: str, run_dir: Path) -> None:
    """End as Python does of a signal, when everything is saved."""
    how = f" Go on: {_ASKED}(resume={str(run_dir)!r})" if has_begun(run_dir) else ""
    print(f"stopped by {signal.Signals(number).name}. {where}{how}", file=sys.stderr)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _progress(run: RunDirectory, shown: bool) -> AbstractContextManager[object]:
    if not shown:
        return nullcontext()
    from ddpg_ros.cli.progress import RunProgress

    section = run.config.run
    return RunProgress(run.directory, section.steps, section.eval_episodes, _console(shown))


def _console(shown: bool) -> Any:
    from ddpg_ros.cli.console import plain_console

    return plain_console(stderr=True, quiet=not shown)
