"""The package's log in a node: to rclpy's logger, by severity."""

import logging

import pytest

pytest.importorskip("rclpy")

from rclpy.logging import get_logger

from ddpg_ros.ros.runtime.log import RosHandler


@pytest.fixture
def log():
    """A logger of Python's with a handler of its own."""
    logger = logging.Logger("ddpg_ros.of_a_test", logging.INFO)
    yield logger
    logger.handlers.clear()


def test_records_of_every_severity_reach_rclpys_logger_in_turn(log, capfd):
    log.addHandler(RosHandler(get_logger("agent")))
    for level in ("info", "warning", "error", "info", "critical"):  # rclpy refuses to mix them
        getattr(log, level)("the %s", level)
    lines = [line for line in capfd.readouterr().err.splitlines() if "[agent]" in line]
    severities = [line.split("]")[0].strip("[ ") for line in lines]
    texts = [line.rpartition(": ")[2] for line in lines]
    assert severities == ["INFO", "WARN", "ERROR", "INFO", "ERROR"]
    assert texts == ["the info", "the warning", "the error", "the info", "the critical"]


def test_a_logger_that_fails_ends_nothing(log):
    class Broken:
        def info(self, text):
            raise RuntimeError(text)

    log.addHandler(RosHandler(Broken()))
    log.info("lost")
