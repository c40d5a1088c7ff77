"""What the checkpoints of a run hold, and whether it would go on: for `ddpg-ros inspect`."""

from pathlib import Path
from typing import Any, NamedTuple

from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.run_directory import CHECKPOINTS
from ddpg_ros.errors import CheckpointError, DdpgRosError, RunDirectoryError
from ddpg_ros.files.generations import Generation, list_generations, read_generation
from ddpg_ros.files.unused import CONFIG
from ddpg_ros.training.resuming import Resumed, load_resumed, owes_evaluation
from ddpg_ros.worker.document import check_document


class Described(NamedTuple):
    """A checkpoint, as rows of a table."""

    path: Path
    rows: dict[str, object]  # empty if it does not verify
    problem: str  # why it does not verify, or nothing

    @property
    def sentence(self) -> str:
        """What it holds, in one line."""
        if self.problem:
            return f"damaged: {self.problem}"
        return ", ".join(f"{name} {self.rows[name]}" for name in ("step", "updates", "replay"))

    @property
    def content(self) -> dict[str, object]:
        """What it holds, as JSON."""
        return {"path": str(self.path), "problem": self.problem, **self.rows}


def describe_checkpoints(path: Path) -> list[Described]:
    """Verify the checkpoints of a run, or one checkpoint; the newest first.

    Args:
        path: a run directory, or a generation in its folder of checkpoints.

    Raises:
        RunDirectoryError: neither.
    """
    if path.parent.name == CHECKPOINTS:
        return [_describe(path, path.parent.parent)]
    if not (path / CONFIG).is_file():
        raise RunDirectoryError(
            f"{path} is neither a run directory, as it holds no {CONFIG}, nor a checkpoint; "
            f"expected the directory of a training, or its {CHECKPOINTS}/generation-…."
        )
    return [_describe(found, path) for _, found in list_generations(path / CHECKPOINTS)]


def verdict(path: Path) -> str:
    """Return in one line whether a run would go on, and where."""
    run = path.parent.parent if path.parent.name == CHECKPOINTS else path
    try:
        config = load_config(run / CONFIG).run
        resumed = load_resumed(run, config.steps)
    except DdpgRosError as error:
        return f"would not go on: {error}"
    command = f"ddpg-ros train --resume {run}"
    what = "update" if config.offline else "step"
    if resumed.taken < config.steps:
        return f"would go on at {what} {resumed.taken}{_how(resumed)}: {command}"
    if owes_evaluation(run, resumed, config.eval_episodes):
        return (
            f"has taken all its {config.steps} {what}s, and its evaluation is still to come: "
            f"{command}"
        )
    return (
        f"has taken all its {config.steps} {what}s, and is evaluated; for more: {command} "
        f"--steps {2 * config.steps}"
    )


def _how(resumed: Resumed) -> str:
    if _is_offline(resumed.about):
        return ""  # without an arm there are no episodes
    if not resumed.exact:
        return ", with a new episode"
    before = "" if resumed.newest == resumed.step else ", the last end of an episode that it has"
    return f"{before}, to the last bit in lock-step"


def _is_offline(about: dict[str, Any]) -> bool:
    return bool(about["config"].get("run.offline"))


def _describe(path: Path, root: Path) -> Described:
    try:
        return Described(path, _rows(read_generation(path, root, check_document)), "")
    except CheckpointError as error:
        return Described(path, {}, str(error))


def _rows(generation: Generation) -> dict[str, object]:
    found = generation.document
    about, control, replay = found["about"], found["control"], found["replay"]
    held = sum(records for _, _, records in replay["segments"])
    counted = "updates" if _is_offline(about) else "step"
    taken = {name: found[name] for name in ("step", "updates")}
    taken[counted] = f"{found[counted]} of {about['config'].get('run.steps', '?')}"
    return {
        "task": about["task"],
        "joints": ", ".join(about["joints"]) or "none: a Gymnasium environment",
        **taken,
        "episodes": control["actor"]["episodes"] if control else 0,
        "saved": "at the end of an episode" if found["exact"] else "within an episode",
        "replay": f"{replay['total']} transitions in all, {held} in its files",
        "size": f"{sum(extent.bytes for extent in generation.grown.values())} bytes, and "
        f"{sum(file.stat().st_size for file in generation.path.iterdir())} of its own",
        "version": f"ddpg_ros {about['package_version']}, torch {found['torch']}",
    }
