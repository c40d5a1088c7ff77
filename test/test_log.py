"""The package's log: silent in a library, plain lines in a process of ours."""

import io
import logging
import subprocess
import sys

import pytest

from ddpg_ros.log import log_to_stderr

LOGGER = "logging.getLogger('ddpg_ros.training')"


def stderr_of(code):
    command = [sys.executable, "-c", f"import logging, ddpg_ros, ddpg_ros.log; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stderr


def test_a_library_writes_nothing_of_its_own_accord():
    assert stderr_of(f"{LOGGER}.warning('lost')") == ""


def test_an_application_that_configures_logging_gets_the_packages_log():
    said = stderr_of(f"logging.basicConfig(level='INFO'); {LOGGER}.info('begun')")
    assert said == "INFO:ddpg_ros.training:begun\n"


def test_a_process_of_ours_writes_each_message_as_a_line_after_its_prefix():
    said = stderr_of(
        f"ddpg_ros.log.log_to_stderr('learner: '); {LOGGER}.info('saved'); {LOGGER}.debug('no')"
    )
    assert said == "learner: saved\n"


@pytest.fixture
def package_log():
    """The package's logger; afterwards it is as it was."""
    logger = logging.getLogger("ddpg_ros")
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("closed")])
def test_a_line_that_cannot_be_written_ends_nothing(package_log, monkeypatch, error):
    class Refuses(io.StringIO):
        tried = 0

        def write(self, text):
            self.tried += 1
            raise error

    monkeypatch.setattr(sys, "stderr", Refuses())
    log_to_stderr()
    package_log.info("lost")
    assert sys.stderr.tried > 0


def test_the_last_destination_replaces_the_one_before(package_log, capsys):
    log_to_stderr("first ")
    log_to_stderr("second ")
    package_log.info("line")
    assert capsys.readouterr().err == "second line\n"
