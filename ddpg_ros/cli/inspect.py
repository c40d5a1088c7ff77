"""`ddpg-ros inspect`: shows what a policy, a run or a recording holds, and whether it loads."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.cli.console import plain_console
from ddpg_ros.cli.inspect_recording import inspect_recording
from ddpg_ros.cli.inspect_run import inspect_checkpoints
from ddpg_ros.config.run_directory import (
    CHECKPOINTS,
    POLICY,
    RECORDINGS,
    SUMMARY,
    WARM_START,
)
from ddpg_ros.config.settings import from_parameters
from ddpg_ros.control.policy import GOLDEN_PAIRS, PolicyAbout, load_policy
from ddpg_ros.errors import DdpgRosError, RunDirectoryError, shortened
from ddpg_ros.files.kinds import is_regular
from ddpg_ros.files.unused import CONFIG
from ddpg_ros.recording.bag import bags_in
from ddpg_ros.recording.reading import is_recording
from ddpg_ros.training.arm_session import feels_weight, require_fitting
from ddpg_ros.training.describe_run import describe_checkpoints
from ddpg_ros.training.describe_run import verdict as verdict_of
from ddpg_ros.worker.warm_start_file import load_warm_start


class Shown(NamedTuple):
    """What there is to print about something."""

    title: str
    rows: dict[str, str]
    details: dict[str, str]  # in faint print
    verdict: str  # whether it would load, and where
    content: dict[str, Any]  # for --json


def inspect(
    path: Annotated[
        Path,
        typer.Argument(help="A policy file, a run directory, a checkpoint or a recording."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Verify a policy, run, checkpoint or recording; show what it holds and where it loads."""
    _require_there(path)
    if path.parent.name == CHECKPOINTS and path.is_dir():
        inspect_checkpoints(path, as_json)
        return
    if is_recording(path):
        rows, verdict, content = inspect_recording(path)
        shown = Shown(str(path), rows, {}, verdict, content)
    elif is_regular(path / CONFIG):
        shown = _run(path)
    else:
        shown = _policy(path)
    if as_json:
        typer.echo(json.dumps(shown.content, indent=2))
        return
    table = Table(show_header=False, title=shown.title, box=None, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")  # so that a hash is complete
    for name, value in shown.rows.items():
        table.add_row(name, value)
    table.add_section()
    for name, value in shown.details.items():
        table.add_row(Text(name, style="dim"), value)
    console = plain_console()
    console.print(table)
    console.print(shown.verdict, highlight=False, soft_wrap=True)


def _require_there(path: Path) -> None:
    """Refuse a path at which there is nothing, and a folder that is nothing of ours."""
    expected = "expected a policy file, a run directory, a checkpoint of one or a recording."
    try:
        is_there, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError):  # too long, no permission, or a zero byte in it
        is_there = is_folder = False
    name = shortened(str(path))
    if not is_there:
        raise RunDirectoryError(f"there is no {name}; {expected}")
    ours = path.parent.name == CHECKPOINTS or is_recording(path) or is_regular(path / CONFIG)
    if is_folder and not ours:
        raise RunDirectoryError(f"the folder {name} holds nothing to inspect; {expected}")


def _policy(path: Path) -> Shown:
    about = load_policy(path).about
    rows = asdict(about)
    del rows["config"]
    rows |= {
        "sizes": " → ".join(str(size) for size in about.sizes),
        "joints": ", ".join(about.joints) or "none: a Gymnasium environment",
        "torque_limit": ", ".join(f"{limit:g}" for limit in about.torque_limit) + " N·m",
        "control_period": f"{about.control_period:g} s",
        "golden pairs": f"{GOLDEN_PAIRS}, answered correctly",
    }
    return Shown(
        str(path),
        {name.replace("_", " "): str(value) for name, value in rows.items()},
        {name: str(setting) for name, setting in about.config.items()},
        _where_it_loads(path, about),
        asdict(about),
    )


def _where_it_loads(path: Path, about: PolicyAbout) -> str:
    """Return whether this machine's arm and task are those of the policy."""
    command = f"ddpg-ros eval --policy {path}"
    if not about.joints:
        return f"it loads: {command} runs it on Gymnasium's {about.task}."
    try:
        config = from_parameters(about.config, f"the settings in {path}")
        robot, task, guard = build_arm(config)
        require_fitting(path, about, policy_about(config, robot, task), feels_weight(guard))
    except DdpgRosError as error:
        return f"it does not load here: {error}"
    return (
        f"it loads: {command} runs it on {robot.name}, {len(about.joints)} joints, every "
        f"{about.control_period:g} s."
    )


def _run(path: Path) -> Shown:
    rows: dict[str, str] = {}
    content: dict[str, Any] = {"run": str(path)}
    if (path / SUMMARY).is_file():
        try:
            summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
            rows |= {
                name.replace("_", " "): str(summary[name])
                for name in ("task", "seed", "interrupted", "steps", "episodes", "updates")
            }
            if summary["success_rate"] is not None:
                rows["success"] = f"{summary['success_rate']:.0%}"
            content["summary"] = summary
        except (OSError, ValueError, KeyError, TypeError) as error:
            rows["summary"] = f"cannot be read ({error})"
    else:
        rows["summary"] = "none: the run has not ended"
    rows |= {"began with": begun} if (begun := _began_with(path)) else {}
    checkpoints = describe_checkpoints(path)
    goes_on = verdict_of(path)
    rows |= {str(one.path.relative_to(path)): one.sentence for one in checkpoints}
    rows["checkpoints"] = goes_on
    content["began_with"] = begun
    content["checkpoints"] = [one.content for one in checkpoints]
    content["resumes"] = goes_on
    bags = bags_in(path / RECORDINGS)
    rows["recordings"] = ", ".join(bag.name for bag in bags) or "none"
    content["recordings"] = [str(bag) for bag in bags]
    verdict = f"no policy yet: {path / POLICY} is not there."
    if (path / POLICY).exists():
        try:
            verdict = f"its policy: {_policy(path / POLICY).verdict}"
        except DdpgRosError as error:
            verdict = f"its policy does not load: {error}"
    content["verdict"] = verdict
    return Shown(str(path), rows, {}, verdict, content)


def _began_with(run: Path) -> str:
    """Return what a run took of an earlier training, in one line; empty if it began untrained."""
    if not (run / WARM_START).exists():
        return ""
    try:
        warm, about = load_warm_start(run)
    except DdpgRosError as error:
        return f"damaged: {error}"
    what = "the actor" if warm.critics is None else "the networks"
    return (
        f"{what} of {about['source']}, step {about['steps']}, update {about['updates']}; "
        f"{len(warm.records)} transitions"
    )
