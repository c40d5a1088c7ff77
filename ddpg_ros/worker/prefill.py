"""Fills a fresh learner's replay buffer with what recordings hold."""

import logging

from ddpg_ros.algo.learner import Learner
from ddpg_ros.config.run_directory import RECORDED
from ddpg_ros.recording.records_file import load_records
from ddpg_ros.worker.messages import WorkerEndpoint

_LOG = logging.getLogger(__name__)


def prefill(learner: Learner, endpoint: WorkerEndpoint) -> None:
    """Fill the replay buffer, unless a checkpoint did; say how many updates are wanted offline.

    Raises:
        RecordingError: the file of transitions in the run directory is missing or damaged.
    """
    run = endpoint.config.run
    if run.recordings and not len(learner.replay):
        capacity = endpoint.config.learner.replay_capacity
        records = load_records(endpoint.run_dir / RECORDED, endpoint.layout, capacity)
        learner.prefill(records)
        _LOG.info("the replay buffer begins with %d recorded transitions.", len(records))
    if run.offline:
        learner.wanted = run.steps
