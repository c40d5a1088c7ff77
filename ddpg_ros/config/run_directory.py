"""The run directory: where everything that a run leaves behind stands."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ddpg_ros.config.parameter_file import save_config
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import RunDirectoryError

CONFIG, METRICS, POLICY = "config.yaml", "metrics.csv", "policy.safetensors"
EVALUATION, CHECKPOINTS = "evaluation.csv", "checkpoints"
SUMMARY, CURVE, ROLLOUT = "summary.json", "learning_curve.png", "rollout.gif"


class Run(NamedTuple):
    """A prepared run: where it is, and the configuration that was written there."""

    directory: Path  # absolute
    config_file: Path
    config: Config


def prepare_run(
    config: Config, directory: Path | None = None, root: Path = Path("runs"), name: str = ""
) -> Run:
    """Make the run directory and write the resolved configuration into it.

    Args:
        config: what is to run; its `run.directory` counts where `directory` is None.
        directory: the run directory; without any, `root/NAME-DATE-TIME`.
        root: where run directories without a name of their own are made.
        name: what to call it; the task's name where empty.

    Raises:
        RunDirectoryError: the directory holds something already, or cannot be written.
    """
    if directory is None and config.run.directory:
        directory = Path(config.run.directory)
    path = (directory or root / (name or config.task.name)).expanduser().resolve()
    try:
        if directory is None:
            path = _make_new(path)
        else:
            path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise RunDirectoryError(
                f"the run directory {path} is not empty; give another one with --run-dir, leave "
                f"it out to get a new one below {root}/, or remove it first."
            )
        resolved = config.with_parameters({"run.directory": str(path)}, source="the run directory")
        save_config(resolved, path / CONFIG)
    except OSError as error:
        raise RunDirectoryError(
            f"the run directory {path} cannot be made or written ({error.strerror}); give "
            f"another one with --run-dir, or fix its permissions."
        ) from None
    return Run(path, path / CONFIG, resolved)


def claim_run(config: Config) -> Path | None:
    """Return the directory for a node's run: a prepared one that nobody has used, or a new one.

    None where a policy is run and no directory asked for: that leaves nothing behind.

    Raises:
        RunDirectoryError: another run has left its results there.
    """
    if config.run.policy and not config.run.directory:
        return None
    directory = Path(config.run.directory)
    if not config.run.directory or not (directory / CONFIG).exists():
        return prepare_run(config).directory
    for left in (METRICS, SUMMARY, POLICY):
        if (directory / left).exists():
            raise RunDirectoryError(
                f"the run directory {directory} holds the {left} of another run; give another one "
                "with run.directory, or leave it empty to get a new one below runs/."
            )
    return directory


@contextmanager
def hold_run(directory: Path) -> Iterator[None]:
    """Keep other runs out of a directory; the hold ends with the process, however that ends.

    Raises:
        RunDirectoryError: another run holds it.
    """
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a file system without locks: nobody can be kept out
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunDirectoryError(
                    f"the run directory {directory} is in use by another run; give another one "
                    "with run.directory, or leave it empty to get a new one below runs/."
                ) from None
        yield
    finally:
        os.close(number)


def knows_success(columns: Iterable[str]) -> bool:
    """Whether the episodes of a metrics.csv know success: our tasks do, an environment rarely."""
    return any(name.startswith("reward_") for name in columns)


def _make_new(stem: Path) -> Path:
    """Make a directory that nobody else makes, even in the same second."""
    dated = stem.with_name(f"{stem.name}-{datetime.now():%Y%m%d-%H%M%S}")
    dated.parent.mkdir(parents=True, exist_ok=True)
    path, count = dated, 1
    while True:
        with suppress(FileExistsError):
            path.mkdir()
            return path
        count += 1
        path = dated.with_name(f"{dated.name}-{count}")
