"""A run directory in which nothing was learnt. Standard library alone: a launch needs it, too."""

import shutil
from pathlib import Path

CONFIG = "config.yaml"
LOG = "log"


def remove_unused(run_dir: Path, *beside: str) -> None:
    """Remove a run directory with nothing but its configuration and what is named `beside` it."""
    if run_dir.is_dir() and {path.name for path in run_dir.iterdir()} <= {CONFIG, *beside}:
        shutil.rmtree(run_dir, ignore_errors=True)
