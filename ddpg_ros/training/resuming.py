"""What `--resume` asks of a run: a checkpoint that verifies, of the same arm, task and learner."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.config.run_directory import CHECKPOINTS, POLICY, SUMMARY
from ddpg_ros.config.settings import Config, task_settings, to_parameters
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import CheckpointError, RunDirectoryError, few_of, shortened
from ddpg_ros.files.generations import Generation, list_generations, verified
from ddpg_ros.files.kinds import is_regular
from ddpg_ros.files.unused import CONFIG
from ddpg_ros.worker.document import check_document

MAY_DIFFER = {
    "run.steps",
    "run.eval_episodes",
    "run.checkpoint_every",
    "run.checkpoint_minutes",
    "run.record",
    "run.record_limit",
    "control.lock_memory",
    "control.fifo_priority",
    "control.cpus",
    "control.state_timeout",
    "robot.urdf",  # its content is compared
}
"""Settings that a run may be resumed with another value of."""

_ABOUT = (
    "task",
    "joints",
    "urdf_sha256",
    "torque_limit",
    "control_period",
    "sizes",
    "action_low",
    "action_high",
    "seed",
)
"""What of a policy's metadata must be the same, in the order of mention."""


class Resumed(NamedTuple):
    """A run as the checkpoint has it from which it goes on."""

    path: Path  # of the generation
    step: int  # transitions handed over by then
    updates: int  # done by then
    control: dict[str, Any] | None  # the control side's state; None before the first episode ended
    exact: bool  # whether a synchronous training repeats to the last bit from here
    about: dict[str, Any]  # the policy's metadata
    newest: int  # step of the newest checkpoint, which may be one within an episode
    refusals: tuple[str, ...]  # why newer checkpoints cannot be used

    @property
    def taken(self) -> int:
        """How many of `run.steps` are taken: steps, or updates of a training without an arm."""
        return self.updates if self.about["config"].get("run.offline") else self.step


def require_run(run_dir: Path) -> None:
    """Check that a folder is a run directory.

    Raises:
        RunDirectoryError: it is none, or is not there.
    """
    if not is_regular(run_dir / CONFIG):
        raise RunDirectoryError(
            f"{run_dir} is no run directory, as it holds no {CONFIG}; expected the directory of "
            "an earlier training."
        )


def has_begun(run_dir: Path) -> bool:
    """Return whether a run has a checkpoint to go on from; it is not verified."""
    return bool(list_generations(run_dir / CHECKPOINTS))


def load_resumed(run_dir: Path, steps: int) -> Resumed:
    """Return where a run goes on.

    That is the newest checkpoint that verifies. In lock-step it is the newest at the end of an
    episode, as what came after it is repeated to the last bit; but if the training has taken all
    its steps, it is the newest, which holds the policy to evaluate.

    Args:
        run_dir: the run directory.
        steps: of the whole training.

    Raises:
        RunDirectoryError: no run directory, or of a run that has not begun.
        CheckpointError: there are checkpoints, and none verifies.
    """
    require_run(run_dir)
    refusals: list[str] = []
    generations = verified(run_dir / CHECKPOINTS, run_dir, refusals, check_document)
    newest = next(generations, None)
    if newest is None and refusals:
        before = f" Nor can the {len(refusals) - 1} before it be used." if refusals[1:] else ""
        raise CheckpointError(
            f"the run {run_dir} cannot go on, as no checkpoint of it can be used: "
            f"{refusals[0]}{before}"
        )
    if newest is None:
        raise RunDirectoryError(
            f"the run {run_dir} has not begun: it holds no checkpoint, which the end of the first "
            "episode leaves. Train anew."
        )
    found = _resumed(newest, newest, refusals)
    if found.exact or found.taken >= steps:
        return found
    exact = next((one for one in generations if one.document["exact"]), None)
    return found if exact is None else _resumed(exact, newest, refusals)


def _resumed(generation: Generation, newest: Generation, refusals: list[str]) -> Resumed:
    says = generation.document
    return Resumed(
        generation.path,
        says["step"],
        says["updates"],
        says["control"],
        says["exact"],
        says["about"],
        newest.document["step"],
        tuple(refusals),
    )


def require_resumable(run_dir: Path, resumed: Resumed, about: PolicyAbout) -> None:
    """Check that a run may go on with these settings.

    Args:
        run_dir: the run directory.
        resumed: the run.
        about: what the policy is for by the present settings.

    Raises:
        CheckpointError: another arm, task or learner, or nothing is left to do; the sentence says
            which.
    """
    ours, theirs = asdict(about), resumed.about
    differing = _differing_settings(theirs["config"], ours["config"]) or [
        f"{name} {shortened(repr(theirs.get(name)))}, and here it is {shortened(repr(ours[name]))}"
        for name in _ABOUT
        if theirs.get(name) != ours[name]
    ]
    if differing:
        raise CheckpointError(
            f"the run {run_dir} was trained with {few_of(differing, 200)}. A run goes on as it "
            f"began; leave that out."
        )
    steps, what = int(ours["config"]["run.steps"]), "steps"
    if ours["config"]["run.offline"]:
        what = "updates"
    episodes = int(ours["config"]["run.eval_episodes"])
    if resumed.taken < steps:
        return
    if resumed.taken > steps or not owes_evaluation(run_dir, resumed, episodes):
        raise CheckpointError(
            f"the run {run_dir} has taken {resumed.taken} {what}, and {steps} are asked for; give "
            "more with --steps, or evaluate its policy: ddpg-ros eval --policy "
            f"{run_dir / POLICY}."
        )


def _differing_settings(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Return what differs of two sets of settings, for a sentence; what may differ is left out.

    A setting that an earlier version did not have counts as its default, as it then was.
    """
    task = task_settings({"name": ours["task.name"]})
    defaults = to_parameters(Config().model_copy(update={"task": task}))
    theirs = {name: defaults[name] for name in ours if name in defaults} | dict(theirs)
    differing = []
    for name in sorted(theirs.keys() | ours.keys()):
        if name in MAY_DIFFER or theirs.get(name) == ours.get(name):
            continue
        then = shortened(repr(theirs[name])) if name in theirs else "not there yet"
        now = f"asks for {shortened(repr(ours[name]))}" if name in ours else "knows it no more"
        differing.append(f"{name} {then}, and this {now}")
    return differing


def owes_evaluation(run_dir: Path, resumed: Resumed, episodes: int) -> bool:
    """Return whether the greedy episodes of a run that has taken all its steps are still to come.

    They are until summary.json has the results of `episodes` after these steps and updates.
    """
    path = run_dir / SUMMARY
    try:
        summary = json.loads(path.read_text(encoding="utf-8")) if is_regular(path) else {}
        done = not summary["interrupted"] and summary["eval_episodes"] >= episodes
        return not (done and (summary["steps"], summary["updates"]) == resumed[1:3])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return True  # there is none, or it is none
