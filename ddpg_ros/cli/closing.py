"""The last words of a training: its summary, where the results are, and what to do next."""

import json
import shutil
import sys
from pathlib import Path

from rich.console import Console

from ddpg_ros.cli.console import plain_console
from ddpg_ros.cli.supervise import Outcome
from ddpg_ros.config.run_directory import POLICY, ROLLOUT, SUMMARY, Run
from ddpg_ros.errors import EXIT_CODE
from ddpg_ros.training.resuming import has_begun
from ddpg_ros.training.summary import Summary


def close(run: Run, outcome: Outcome, console: Console, as_json: bool, gym: bool) -> None:
    """Print the summary, where the results are and what to do next."""
    file = run.directory / SUMMARY
    if not file.exists():
        console.print(f"{outcome.message} The training had not started; nothing was learnt.")
        return
    summary = json.loads(file.read_text(encoding="utf-8"))
    if as_json:
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    console.print(Summary(**summary).sentence(), highlight=False, soft_wrap=True)
    policy = run.directory / POLICY
    if outcome.kind == "interrupted":
        console = plain_console(stderr=as_json or outcome.code == EXIT_CODE)
        results = "Policy and summary are" if policy.exists() else "No policy yet; the summary is"
        line = f"{outcome.message} {results} in {shown(run.directory)}.{going_on(run.directory)}"
        console.print(line, highlight=False, soft_wrap=True)
    elif gym:
        console.print(
            f"next: {program()} eval --policy {shown(policy)}", highlight=False, soft_wrap=True
        )
    else:
        console.print(
            f"look at {shown(run.directory / ROLLOUT)}; next: "
            f"{program()} play --policy {shown(policy)} --gui",
            highlight=False,
            soft_wrap=True,
        )


def going_on(run_dir: Path) -> str:
    """Return the command by which a run goes on, to end a line; empty if it has not begun."""
    if not has_begun(run_dir):
        return ""
    return f" Go on: {program()} train --resume {shown(run_dir)}"


def program() -> str:
    """Return the command that calls this command line from the current directory."""
    own = Path(sys.executable).with_name("ddpg-ros")
    return "ddpg-ros" if shutil.which("ddpg-ros") or not own.exists() else shown(own)


def shown(path: Path) -> str:
    """Return a path, relative to the current directory if it is inside."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
