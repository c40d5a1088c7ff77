"""The run directory, which holds all results of a run."""

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ddpg_ros.config.parameter_file import save_config
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import RunDirectoryError
from ddpg_ros.files.folder_lock import FolderInUseError, hold_folder
from ddpg_ros.files.kinds import at_home, is_regular
from ddpg_ros.files.unused import CONFIG

METRICS, POLICY = "metrics.csv", "policy.safetensors"
EVALUATION, CHECKPOINTS, REPLAY = "evaluation.csv", "checkpoints", "checkpoints/replay"
STATUS, RECORDINGS, RECORDED = "status.json", "recordings", "recorded.safetensors"
WARM_START = "warm_start.safetensors"
SUMMARY, CURVE, ROLLOUT = "summary.json", "learning_curve.png", "rollout.gif"


class Run(NamedTuple):
    """A prepared run: its directory and the configuration that was written there."""

    directory: Path  # absolute
    config_file: Path
    config: Config


def prepare_run(
    config: Config,
    directory: Path | None = None,
    root: Path = Path("runs"),
    name: str = "",
    held: ExitStack | None = None,
) -> Run:
    """Make the run directory and write the resolved configuration into it.

    Args:
        config: of the run.
        directory: the run directory; None uses `run.directory`, or if that is empty,
            `root/NAME-DATE-TIME`.
        root: the folder of run directories without an explicit path.
        name: for the default path; empty uses the task's name.
        held: takes the lock of the directory; None frees it at the end.

    Raises:
        RunDirectoryError: the directory is not empty, cannot be written, or is in use.
    """
    with ExitStack() as stack:
        run = _prepare(config, directory, root, name, stack)
        if held is not None:
            held.enter_context(stack.pop_all())
    return run


def _prepare(
    config: Config, directory: Path | None, root: Path, name: str, held: ExitStack
) -> Run:
    others = "with --run-dir, leave it out"
    if directory is None and config.run.directory:
        directory = Path(config.run.directory)
        others = "with run.directory or --run-dir, leave the setting empty"
    plain = re.sub(r"[^\w.-]", "_", name or config.task.name)  # a task's name may have a colon
    path = at_home(directory or root / plain).resolve()
    made = False
    try:
        if directory is None:
            path, made = _make_new(path), True
        else:
            try:
                path.mkdir(parents=True)
                made = True
            except FileExistsError:
                if not path.is_dir():
                    raise
        held.enter_context(hold_run(path))  # before it is judged, as another may be about to write
        if any(path.iterdir()):
            raise RunDirectoryError(
                f"the run directory {path} is not empty; give another one {others} to get a new "
                f"one below {root}/, or remove it first."
            )
        resolved = config.with_parameters({"run.directory": str(path)}, source="the run directory")
        save_config(resolved, path / CONFIG)
    except BaseException as error:
        if made:  # all of it, or nothing, also on Ctrl-C
            shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError):
            raise RunDirectoryError(
                f"the run directory {path} cannot be made or written ({error.strerror}); give "
                f"another one with --run-dir, or fix its permissions."
            ) from None
        raise
    return Run(path, path / CONFIG, resolved)


def claim_run(config: Config, held: ExitStack) -> Path | None:
    """Return the directory for a node's run: a prepared unused one, a new one, or one to resume.

    Args:
        config: of the run.
        held: takes the lock of the directory.

    Returns:
        The directory; None for a run of a policy without `run.directory`, which writes nothing.

    Raises:
        RunDirectoryError: the directory holds results of another run, or is in use by one.
    """
    if config.run.policy and not config.run.directory:
        return None
    directory = Path(config.run.directory)
    if config.run.resume:
        if not config.run.directory:
            raise RunDirectoryError(
                "run.resume is true and run.directory is empty; expected the directory of the run "
                "that is to go on."
            )
        held.enter_context(hold_run(directory))
        return directory
    if not config.run.directory or not is_regular(directory / CONFIG):
        return prepare_run(config, held=held).directory
    held.enter_context(hold_run(directory))  # a run that still goes on is named by its process
    for result in (METRICS, SUMMARY, POLICY):
        if (directory / result).exists():
            raise RunDirectoryError(
                f"the run directory {directory} holds the {result} of another run; give another "
                "one with run.directory, or leave it empty to get a new one below runs/."
            )
    return directory


@contextmanager
def hold_run(directory: Path) -> Iterator[None]:
    """Lock a run directory against other runs until the context or the process ends.

    Raises:
        RunDirectoryError: another run holds the lock, or there is no such directory.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_folder(directory))
        except FolderInUseError as holder:
            raise RunDirectoryError(
                f"the run directory {directory} is in use by another run, {holder}; wait for it, "
                "or stop it, or give another directory with run.directory."
            ) from None
        except OSError as error:
            raise RunDirectoryError(
                f"the run directory {directory} cannot be opened ({error.strerror}); expected a "
                "folder that this user may read."
            ) from None
        yield


def knows_success(columns: Iterable[str]) -> bool:
    """Return whether a metrics.csv reports success, as our tasks do and most environments do not.

    Args:
        columns: of the file.
    """
    return any(name.startswith("reward_") for name in columns)


def _make_new(stem: Path) -> Path:
    """Make a directory named after the time, unique even among runs of the same second."""
    dated = stem.with_name(f"{stem.name}-{datetime.now():%Y%m%d-%H%M%S}")
    dated.parent.mkdir(parents=True, exist_ok=True)
    path, count = dated, 1
    while True:
        with suppress(FileExistsError):
            path.mkdir()
            return path
        count += 1
        path = dated.with_name(f"{dated.name}-{count}")
