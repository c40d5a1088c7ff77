"""The package's log in a node's process: to rclpy's logger, and so to the terminal and /rosout."""

import contextlib
import logging

from rclpy.impl.rcutils_logger import RcutilsLogger


class RosHandler(logging.Handler):
    """Hands each record to rclpy's logger, and never fails."""

    def __init__(self, logger: RcutilsLogger) -> None:
        """Take the node's logger."""
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over one record; a call for each severity, as rclpy asks of a line of code."""
        with contextlib.suppress(Exception):
            text = self.format(record)
            if record.levelno >= logging.ERROR:
                self._logger.error(text)
            elif record.levelno >= logging.WARNING:
                self._logger.warning(text)
            else:
                self._logger.info(text)
