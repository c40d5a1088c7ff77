"""What `--resume` asks of a run: a checkpoint that verifies, of the same arm, task and learner."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.config.run_directory import CHECKPOINTS, POLICY
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import CheckpointError, RunDirectoryError, few_of, shortened
from ddpg_ros.files.generations import newest_generation
from ddpg_ros.files.unused import CONFIG

_LOG = logging.getLogger(__name__)

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
    """A run as its newest checkpoint has it."""

    path: Path  # of the generation
    step: int  # transitions handed over by then
    updates: int  # done by then
    control: dict[str, Any] | None  # the control side's state; None before the first episode ended
    exact: bool  # whether a synchronous training repeats to the last bit from here
    about: dict[str, Any]  # the policy's metadata


def load_resumed(run_dir: Path) -> Resumed:
    """Return where a run goes on: its newest checkpoint that verifies.

    Raises:
        RunDirectoryError: no run directory, or of a run that has not begun.
        CheckpointError: there are checkpoints, and none verifies.
    """
    if not (run_dir / CONFIG).is_file():
        raise RunDirectoryError(
            f"{run_dir} is no run directory, as it holds no {CONFIG}; expected the directory of "
            "an earlier training."
        )
    generation, refusals = newest_generation(run_dir / CHECKPOINTS, run_dir)
    if generation is None and refusals:
        raise CheckpointError(
            f"the run {run_dir} cannot go on, as none of its checkpoints can be used: "
            f"{' '.join(refusals)}"
        )
    if generation is None:
        raise RunDirectoryError(
            f"the run {run_dir} has not begun: it holds no checkpoint, which the end of the first "
            "episode leaves. Train anew."
        )
    for refusal in refusals:
        _LOG.warning("%s The one before is taken.", refusal)
    found = generation.document
    try:
        control = found["control"]
        return Resumed(
            generation.path,
            int(found["step"]),
            int(found["updates"]),
            None if control is None else dict(control),
            bool(found["exact"]),
            dict(found["about"]),
        )
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(
            f"the checkpoint {generation.path} does not say how the run goes on."
        ) from None


def require_resumable(run_dir: Path, resumed: Resumed, about: PolicyAbout, steps: int) -> None:
    """Check that a run may go on with these settings.

    Args:
        run_dir: the run directory.
        resumed: the run.
        about: what the policy is for by the present settings.
        steps: of the whole training.

    Raises:
        CheckpointError: another arm, task or learner, or no steps are left; the sentence says
            which.
    """
    ours = asdict(about)
    theirs = resumed.about
    settings, earlier = ours["config"], dict(theirs.get("config", {}))
    differing = [
        f"{name} {shortened(repr(earlier.get(name)))}, and this asks for "
        f"{shortened(repr(settings.get(name)))}"
        for name in sorted(settings.keys() | earlier.keys())
        if name not in MAY_DIFFER and earlier.get(name) != settings.get(name)
    ]
    differing += [
        f"{name} {shortened(repr(theirs.get(name)))}, and here it is {shortened(repr(ours[name]))}"
        for name in _ABOUT
        if theirs.get(name) != ours[name]
    ]
    if differing:
        raise CheckpointError(
            f"the run {run_dir} was trained with {few_of(differing, 200)}. A run goes on as it "
            f"began; leave that out."
        )
    if resumed.step >= steps:
        raise CheckpointError(
            f"the run {run_dir} has taken {resumed.step} steps, and {steps} are asked for; give "
            "more with --steps, or evaluate its policy: ddpg-ros eval --policy "
            f"{run_dir / POLICY}."
        )
