"""A run directory in which nothing was learnt. Standard library alone: a launch needs it, too."""

import shutil
from pathlib import Path

CONFIG = "config.yaml"


def remove_unused(run_dir: Path) -> None:
    """Remove a run directory that holds nothing but its configuration."""
    if run_dir.is_dir() and {path.name for path in run_dir.iterdir()} <= {CONFIG}:
        shutil.rmtree(run_dir, ignore_errors=True)
