"""Ctrl-C while a command line starts: it loads next to nothing before it can take that."""

import subprocess
import sys

import pytest

LATE = {"email", "importlib.metadata", "rich", "typer", "pydantic", "numpy"}


@pytest.mark.parametrize("module", ["ddpg_ros.cli.main", "ddpg_ros.executables"])
def test_what_takes_long_to_import_is_imported_after_the_beginning(module):
    program = f"import sys; import {module}; print(*sys.modules)"
    command = [sys.executable, "-S", "-c", program]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert module in said.split()
    assert not LATE & set(said.split())
