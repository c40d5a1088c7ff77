"""What tests of the command line share."""

import sys
from typing import NamedTuple

import pytest

from benchmarks.speed.untrained import save_untrained
from ddpg_ros.cli.main import main
from ddpg_ros.config.parameter_file import load_config


class Ended(NamedTuple):
    """A command line that has ended."""

    code: int
    out: str
    errors: str

    @property
    def sentence(self):
        """The one line on stderr of a refusal."""
        assert (self.code, self.out) == (2, ""), self
        (line,) = self.errors.strip().splitlines()
        return line


@pytest.fixture
def ddpg_ros(monkeypatch, capsys):
    """Runs the command line in this process."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ddpg-ros", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return Ended(end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def arm_policy(tmp_path):
    """A policy file for the two-link arm, in a run directory with nothing else."""
    path = tmp_path / "run" / "policy.safetensors"
    path.parent.mkdir()
    save_untrained(path, load_config("reach"))
    return path
